#include <algorithm>
#include <array>
#include <cctype>
#include <jailed/core/text.hpp>
#include <jailed/core/utf8.hpp>
#include <jailed/plan/git/raw_changes.hpp>
#include <jailed/plan/sync/problems.hpp>

namespace jailed::plan {
namespace {

// As Go spells the system's reasons that no user can mend: the name, or the size, is none for this file system.
constexpr std::array<std::string_view, 5> kNeverHere = {"file name too long", "invalid argument", "file too large",
                                                        "illegal byte sequence", "invalid or incomplete multibyte"};

constexpr const char* kOpenUp =
    "find \"$0\" -xdev -type d ! -perm -700 -exec chmod u+rwx {} \\; -o -type f ! -perm -400 -exec chmod u+r {} +";

// Without a single name something has gone wrong: then nothing must look as if it were saved.
constexpr const char* kArchiveOddNames =
    "list=$(mktemp) && cd \"$0\" || exit 1\n"
    "find . -xdev -name .git -prune -o -print0 | LC_ALL=C.UTF-8 grep -zaxv '.*' >\"$list\"\n"
    "[ -s \"$list\" ] && exec /bin/tar -c --no-recursion --null -T \"$list\"";

bool is_repository(std::string_view path) {
  for (const auto name : core::parts(path, '/')) {
    if (core::lower_case(name) == ".git") return true;
  }
  return false;
}

bool never_here(std::string_view error) {
  return std::any_of(kNeverHere.begin(), kNeverHere.end(), [&](auto words) { return error.find(words) != std::string_view::npos; });
}

// Mutagen (0.18) gives such a path with other characters in it and says so behind it.
bool is_odd_name(const SyncProblem& problem) {
  return problem.error.find("non-UTF-8") != std::string::npos && problem.path.ends_with(" (non-UTF-8)");
}

std::vector<SyncProblem> without_repositories(std::vector<SyncProblem> problems) {
  std::erase_if(problems, [](const auto& problem) { return is_repository(problem.path); });
  return problems;
}

bool is_at_or_below(std::string_view path, std::string_view above) {
  return above.empty() || path == above || (path.starts_with(above) && path.substr(above.size()).starts_with('/'));
}

}  // namespace

StaysAway what_stays_away(const SyncState& state) {
  StaysAway away;
  bool whole = state.more_unread > 0;  // of which Mutagen names none
  for (auto& problem : without_repositories(state.unread)) {
    if (is_odd_name(problem)) {
      away.odd_names = true;
    } else {
      away.archived.push_back(problem.path);
    }
    away.impossible.push_back(std::move(problem));
  }
  for (auto& problem : without_repositories(state.unwritten)) {
    if (never_here(problem.error)) {
      away.archived.push_back(problem.path);
      away.impossible.push_back(std::move(problem));
    } else {
      away.in_the_way.push_back(std::move(problem));
    }
  }
  std::size_t words = 0;
  for (const auto& path : away.archived) words += path.size() + 1;
  whole = whole || words > kMostWords;
  if (away.in_the_way.empty()) {
    whole = whole || state.more_unwritten > 0;
  } else {
    away.more_in_the_way = state.more_unwritten;
  }
  if (whole) {
    away.archived = {""};
    away.odd_names = false;  // they are in it
  }
  return away;
}

LeftOut left_out(const SyncState& state) { return {without_repositories(state.not_carried), state.more_not_carried}; }

bool is_left_out(const LeftOut& left, std::string_view path) {
  return !core::is_utf8(path) || std::any_of(left.problems.begin(), left.problems.end(), [&](const auto& problem) {
    return is_at_or_below(path, problem.path);
  });
}

core::EngineCall open_up_command(const Engine& engine, const std::string& container, const std::string& workspace) {
  return {engine.program, {"exec", "--workdir", "/", container, "/bin/sh", "-c", kOpenUp, workspace}, {}};
}

core::EngineCall archive_whole_command(const Engine& engine, const std::string& container, const std::vector<std::string>& paths,
                                       const std::string& workspace) {
  core::EngineCall command{engine.program,
                           {"exec", "--workdir", workspace, container, "/bin/tar", "-c", "--one-file-system", "--no-wildcards", "--"},
                           {}};
  for (const auto& path : paths) command.args.push_back(path.empty() ? "." : path);
  return command;
}

core::EngineCall archive_odd_names_command(const Engine& engine, const std::string& container, const std::string& workspace) {
  return {engine.program, {"exec", "--workdir", "/", container, "/bin/sh", "-c", kArchiveOddNames, workspace}, {}};
}

core::EngineCall missing_files_command(const Engine& engine, const std::string& container, const std::string& work_tree) {
  return {engine.program,
          {"exec", "--workdir", "/", container, "git", "-C", work_tree, "--no-optional-locks", "ls-files", "-z", "--deleted"},
          {}};
}

std::optional<SyncSession> sync_of(const SessionRecord& record, const std::string& name) {
  const auto found = std::find_if(record.syncs.begin(), record.syncs.end(), [&](const auto& sync) { return sync.name == name; });
  return found == record.syncs.end() ? std::nullopt : std::optional(*found);
}

void set_sync(SessionRecord& record, const SyncSession& session) {
  std::erase_if(record.syncs, [&](const auto& sync) { return sync.name == session.name; });
  record.syncs.push_back(session);
}

std::optional<std::string> deleted_unseen(std::string_view raw, const std::vector<std::string>& not_carried) {
  for (const auto& [header, path] : raw_changes(raw)) {
    if (header.ends_with('D') && std::find(not_carried.begin(), not_carried.end(), path) != not_carried.end()) return std::string(path);
  }
  return std::nullopt;
}

}  // namespace jailed::plan
