#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/siphash.hpp>
#include <jailed/plan/engine/answer.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/plan/project/projects.hpp>
#include <jailed/plan/sync/mutagen.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

using Args = std::vector<std::string>;
using nlohmann::json;

constexpr std::uint64_t kLargest = std::uint64_t{1} << 53;
constexpr std::size_t kMostProblems = 1000;

core::Command mutagen_command(const Mutagen& mutagen, Args args) {
  return {mutagen.program, std::move(args), mutagen.env};
}

// Bounded, so that sums of them mean something.
std::uint64_t number_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? std::min(found->get<std::uint64_t>(), kLargest) : 0;
}

json object_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : json::object();
}

bool is_true(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && *found == json(true);
}

// `kind`: "Scan" or "Transition".
void add_problems(const json& endpoint, const std::string& kind, std::vector<SyncProblem>& problems, std::uint64_t& more) {
  auto list = kind + "Problems";
  list.front() = static_cast<char>(list.front() - 'A' + 'a');
  if (const auto found = endpoint.find(list); found != endpoint.end() && found->is_array()) {
    for (const auto& problem : *found) {
      if (problems.size() < kMostProblems) {
        problems.push_back({string_at(problem, "path"), string_at(problem, "error")});
      } else {
        ++more;
      }
    }
  }
  more += number_of(endpoint, ("excluded" + kind + "Problems").c_str());
}

}  // namespace

std::string sync_key(const std::string& id, const std::string& name) {
  return name.empty() ? id : fmt::format("{}-{:016x}", id, core::siphash({}, name));
}

std::string sync_name(const std::string& id) { return "jailed-" + id; }

std::string ignore_of(std::string_view directory) {
  std::string pattern = "/";
  for (const char c : directory) {
    if (std::string_view("\\*?[]{}").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

core::Command sync_create_command(const Mutagen& mutagen, const SyncSession& session) {
  // Agents' state and the shadows of repositories are for nobody else here, and all of it counts.
  const bool beside = session.name.starts_with('/');
  const auto mask = beside ? 077 : session.umask;
  Args args = {"sync", "create", "--name", sync_name(sync_key(session.id, session.name)), "--label", "jailed=" + session.id,
               "--no-global-configuration", "--mode", "two-way-safe",
               // As they are: Mutagen itself never follows them, and a virtual environment is full of
               // absolute ones, which the other modes leave out.
               "--symlink-mode", "posix-raw", "--permissions-mode", "portable", "--default-file-mode",
               fmt::format("{:04o}", 0666 & ~mask), "--default-directory-mode", fmt::format("{:04o}", 0777 & ~mask),
               // In the same volume: elsewhere each file would be copied a second time to be put in place.
               // A directory that is not there yet cannot hold what is staged, but the one that it is in can.
               "--stage-mode-beta", session.name.empty() ? "internal" : "neighboring",
               // The net below the watchers of both sides, which have it look at once (follow_changes).
               "--watch-polling-interval", "10"};
  for (const auto& ignore : session.ignores) args.insert(args.end(), {"--ignore", ignore});
  // --ignore-vcs leaves out directories only; a .git file makes a repository as well, and some file systems do
  // not tell .GIT from it. At the end: a later pattern beats an earlier one.
  if (!beside) args.insert(args.end(), {"--ignore-vcs", "--ignore", ".[gG][iI][tT]"});
  args.insert(args.end(),
              {"--", session.project, fmt::format("docker://{}{}", session.container, workspace_of(session.name))});
  return mutagen_command(mutagen, std::move(args));
}

bool may_pass(std::string_view said) {
  for (const std::string_view words : {"prompter not found", "unable to probe container"})
    if (said.find(words) != std::string_view::npos) return true;
  return false;
}

core::Command sync_resume_command(const Mutagen& mutagen, const std::string& id) {
  return mutagen_command(mutagen, {"sync", "resume", sync_name(id)});
}

core::Command sync_flush_command(const Mutagen& mutagen, const std::string& id) {
  return mutagen_command(mutagen, {"sync", "flush", sync_name(id)});
}

core::Command sync_flush_now_command(const Mutagen& mutagen, const std::string& id) {
  return mutagen_command(mutagen, {"sync", "flush", "--label-selector", "jailed=" + id});
}

core::Command sync_pause_command(const Mutagen& mutagen, const std::string& id) {
  return mutagen_command(mutagen, {"sync", "pause", sync_name(id)});
}

core::Command sync_terminate_command(const Mutagen& mutagen, const std::string& id) {
  return mutagen_command(mutagen, {"sync", "terminate", sync_name(id)});
}

core::Command sync_terminate_all_command(const Mutagen& mutagen, const std::string& id) {
  return mutagen_command(mutagen, {"sync", "terminate", "--label-selector", "jailed=" + id});
}

core::Command sync_list_command(const Mutagen& mutagen, const std::string& id) {
  return mutagen_command(mutagen, {"sync", "list", "--template", "{{json .}}", sync_name(id)});
}

core::Command mutagen_version_command(const Mutagen& mutagen) {
  return mutagen_command(mutagen, {"version"});
}

std::optional<SyncState> parse_sync_state(std::string_view text) {
  const auto answer = parse_answer(text);
  if (!answer.is_array() || answer.empty() || !answer.front().is_object()) return std::nullopt;
  const auto& session = answer.front();
  const auto alpha = object_of(session, "alpha");
  const auto beta = object_of(session, "beta");
  SyncState state;
  state.status = shown_answer(string_at(session, "status"));
  state.last_error = shown_answer(string_at(session, "lastError"));
  state.connected = is_true(alpha, "connected") && is_true(beta, "connected");
  state.files_home = number_of(alpha, "files");
  state.files_jail = number_of(beta, "files");
  for (const auto& endpoint : {alpha, beta}) {
    const auto staging = object_of(endpoint, "stagingProgress");
    state.received += number_of(staging, "receivedFiles");
    state.expected += number_of(staging, "expectedFiles");
    state.received_bytes += number_of(staging, "totalReceivedSize");
  }
  std::size_t words = 0;
  if (const auto found = session.find("conflicts"); found != session.end() && found->is_array()) {
    for (const auto& conflict : *found) {
      const auto root = conflict.is_object() ? conflict.find("root") : conflict.end();
      // Of the root of a project Mutagen leaves it out, or says that it is empty. What is no path of a project is still one
      // that is not home.
      const bool plain = conflict.is_object() && (root == conflict.end() || root->is_string()) && is_path_below(string_at(conflict, "root"));
      auto path = string_at(conflict, "root");
      words += path.size() + 1;
      if (plain && words <= kMostWords) state.conflicts.push_back(std::move(path));
      else ++state.more_conflicts;
    }
  }
  state.more_conflicts += number_of(session, "excludedConflicts");
  add_problems(beta, "Scan", state.unread, state.more_unread);
  add_problems(alpha, "Transition", state.unwritten, state.more_unwritten);
  add_problems(alpha, "Scan", state.not_carried, state.more_not_carried);
  add_problems(beta, "Transition", state.not_carried, state.more_not_carried);
  return state;
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double size = static_cast<double>(bytes);
  const char* unit = "KiB";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    size /= 1024;
    unit = next;
    if (size < 1024) break;
  }
  return size < 10 ? fmt::format("{:.1f} {}", size, unit) : fmt::format("{:.0f} {}", size, unit);
}

std::string sync_summary(const SyncState& state) {
  auto text =
      fmt::format("{}: {} files here, {} in the jail", state.connected ? state.status : "not connected",
                  state.files_home, state.files_jail);
  if (const auto count = state.conflicts.size() + state.more_conflicts; count > 0)
    text += fmt::format(", {} changed on both sides", count);
  if (const auto count = state.not_home(); count > 0) text += fmt::format(", {} cannot come home", count);
  if (const auto count = state.not_carried.size() + state.more_not_carried; count > 0)
    text += fmt::format(", {} cannot go into the jail", count);
  return text;
}

std::string sync_progress(const SyncState& state) {
  if (state.expected > 0) {
    return fmt::format("copying the project: {} of {} files, {}", state.received, state.expected,
                       human_bytes(state.received_bytes));
  }
  if (state.status == "scanning") return "looking through the project";
  if (state.status == "transitioning") return fmt::format("putting {} files in place", state.files_home);
  return "syncing the project";
}

}  // namespace jailed::plan
