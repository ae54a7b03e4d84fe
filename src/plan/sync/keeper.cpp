#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <jailed/core/siphash.hpp>
#include <jailed/core/version.hpp>
#include <jailed/plan/engine/answer.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <jailed/plan/sync/remote.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

using Args = std::vector<std::string>;
using nlohmann::json;

constexpr std::uint64_t kLargest = std::uint64_t{1} << 53;
constexpr std::size_t kMostConflicts = 500;  // they are words of one command
constexpr std::size_t kMostProblems = 1000;

constexpr const char* kWorkspace = "/workspace";
constexpr const char* kProjects = "/projects";
constexpr const char* kJailInit = "/usr/libexec/jailed/init";

// Processes of the jail leave their numbers in /run, which only the jail's user can write. A number that the
// jail forges makes us signal another process of the same jail.
constexpr const char* kWait = "echo $$ >/run/jailed-keeper; exec sleep infinity";
constexpr const char* kExec = "echo $$ >\"/run/jailed-$0\"; exec \"$@\"";
constexpr const char* kMarkedExec = "echo $$ >\"/run/jailed-$0\"; printf '\\036jailed\\036' >&2; exec \"$@\"";
constexpr const char* kGitfiles =
    "while [ $# -gt 1 ]; do [ -d \"$1\" ] && printf %s \"$2\" >\"$1/.git\"; shift 2; done";
constexpr const char* kSignal =
    "[ -f \"/run/jailed-$0\" ] && read -r pid <\"/run/jailed-$0\" || exit 1\n"
    "LC_ALL=C\n"
    "case $pid in '' | *[!0-9]* | 0* | 1) exit 1 ;; esac\n"
    "kill -\"$1\" \"$pid\"";
// The agent is known by its file, which nobody in the jail can write: any process can take its name. Whoever stopped it
// is gone after the first round.
constexpr const char* kEndOthers =
    "keeper=; [ -f /run/jailed-keeper ] && read -r keeper </run/jailed-keeper\n"
    "LC_ALL=C\n"
    "case $keeper in *[!0-9]*) keeper= ;; esac\n"
    "for round in 1 2 3; do\n"
    "  left= spared=$keeper\n"
    "  for process in /proc/[0-9]*; do\n"
    "    pid=${process#/proc/}\n"
    "    read -r name <\"$process/comm\" || continue\n"
    "    case $pid:$name in 1:*|$$:*|\"$keeper\":*) continue ;; *:mutagen-agent)\n"
    "      case $(readlink \"$process/exe\") in \"$HOME\"/.mutagen/agents/*) spared=\"$spared $pid\"; continue ;; esac ;;\n"
    "    esac\n"
    "    grep -q '^State:.Z' \"$process/status\" && continue\n"
    "    kill -KILL \"$pid\" && left=yes\n"
    "  done 2>/dev/null\n"
    "  kill -CONT $spared 2>/dev/null\n"
    "  [ -n \"$left\" ] || break\n"
    "  sleep 0.05\n"
    "done";

// Numbers of inotify_init1(2) and inotify_add_watch(2), then the events of host::TreeWatch.
constexpr const char* kWatch =
    "exec perl -e '$| = 1; my ($init, $add) = `uname -m` =~ /^(aarch64|riscv64)/ ? (26, 27) : (294, 254);\n"
    "my $fd = syscall($init, 0); exit 1 if $fd < 0; open my $in, \"<&=\", $fd or exit 1; my %at;\n"
    "sub watch { my @todo = @_; while (defined(my $dir = shift @todo)) {\n"
    "  my $wd = syscall($add, $fd, $dir, 0x070003cc); next if $wd < 0; $at{$wd} = $dir; opendir my $list, $dir or next;\n"
    "  push @todo, map { \"$dir/$_\" } grep { $_ ne \".\" && $_ ne \"..\" && $_ ne \".git\" && !/^\\.mutagen-temporary-/ && !-l \"$dir/$_\" && -d _ } readdir $list } }\n"
    "watch(\"/workspace\", \"/projects\");\n"
    "while (sysread $in, my $events, 65536) { my $changed; while (length $events) {\n"
    "  my ($wd, $mask, $cookie, $length) = unpack \"iIII\", substr $events, 0, 16, \"\";\n"
    "  (my $name = substr $events, 0, $length, \"\") =~ s/\\0.*//s;\n"
    "  if ($mask & 0x8000) { delete $at{$wd}; next } next if $name eq \".git\" || $name =~ /^\\.mutagen-temporary-/; $changed = 1;\n"
    "  watch(\"/workspace\", \"/projects\") if $mask & 0x4000;\n"
    "  watch(\"$at{$wd}/$name\") if $mask & 0x40000000 && $mask & 0x180 && defined $at{$wd} }\n"
    "  if ($changed) { print \"\\n\" or exit; select undef, undef, undef, 0.03 } }'\n";

core::Command mutagen_command(const Mutagen& mutagen, Args args) {
  return {mutagen.program, std::move(args), mutagen.env};
}

void make_keeper(Jail& jail, const std::string& agents) {
  jail.binds.push_back({agents, "/home/" + jail.user + "/.mutagen/agents", true});
  const auto container = container_name(jail.project, jail.id);
  jail.volumes = {{container, kWorkspace}};
  if (!jail.place.alias.empty()) jail.volumes.push_back({container, jail.place.workspace, true});
  jail.volumes.push_back({projects_volume(container), kProjects});
  jail.labels.emplace_back("jailed.sync=mutagen");
  jail.keeper_command = {"sh", "-c", kWait};
  // Without those for a bind that is gone, with those for one that came.
  jail.tmpfs = jail_tmpfs(jail.user, jail.limits, jail.binds, jail.place);
}

std::string string_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
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

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc{} && result.ptr == text.data() + text.size();
}

std::string git_entry(const std::string& place) { return place + "/.git"; }

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

Jail keeper(Jail jail, const KeeperMounts& mounts) {
  std::vector<std::string> places = {jail.place.workspace};
  if (!jail.place.alias.empty()) places.push_back(jail.place.alias);
  std::erase_if(jail.binds, [&](const BindMount& mount) {
    return is_within(mount.target, kProjects) || std::any_of(places.begin(), places.end(), [&](const auto& place) {
             return is_within(mount.target, place) && mount.target != git_entry(place);
           });
  });
  jail.binds.insert(jail.binds.end(), mounts.further_git.begin(), mounts.further_git.end());
  for (const auto& place : places) {
    if (mounts.git) jail.binds.push_back({*mounts.git, git_entry(place), false});
  }
  // The volume's root is root's, which git would refuse; what is in it is the user's own.
  auto& variables = jail.environment.constants;
  variables.push_back({"GIT_CONFIG_COUNT", std::to_string(places.size())});
  for (std::size_t i = 0; i < places.size(); ++i) {
    variables.push_back({fmt::format("GIT_CONFIG_KEY_{}", i), "safe.directory"});
    variables.push_back({fmt::format("GIT_CONFIG_VALUE_{}", i), places[i]});
  }
  make_keeper(jail, mounts.agents);
  return jail;
}

Jail recovery_keeper(Jail jail, const std::string& session_files, bool lease, const std::string& agents) {
  jail.binds = {{session_files + "/passwd", "/etc/passwd", true}, {session_files + "/group", "/etc/group", true}};
  if (lease) jail.binds.push_back({session_files + "/lease", "/etc/jailed/lease", true});
  if (jail.seccomp) jail.seccomp = session_files + "/seccomp.json";
  // It may be the jail of the launch, with all that the user's command had.
  jail.env_file.reset();
  jail.groups.clear();
  jail.hosts.clear();
  jail.labels.clear();
  jail.logged = false;
  jail.environment = {};
  jail.environment.constants = {{"HOME", "/home/" + jail.user}, {"USER", jail.user}, {"LOGNAME", jail.user}};
  jail.network = false;
  make_keeper(jail, agents);
  return jail;
}

std::string projects_volume(const std::string& container) { return container + "-projects"; }

core::Command create_volume_command(const Engine& engine, const Jail& jail) {
  Args args = {"volume", "create"};
  for (auto& label : jail_labels(engine, jail)) args.insert(args.end(), {"--label", std::move(label)});
  args.insert(args.end(),
              {"--label", "jailed.image=" + jail.image, "--label", "jailed.user=" + jail.user, "--label",
               fmt::format("jailed.identity={}:{}", jail.identity.uid, jail.identity.gid)});
  args.push_back(container_name(jail.project, jail.id));
  return {engine.program, std::move(args), {}};
}

core::Command remove_volume_command(const Engine& engine, const std::string& volume) {
  Args args = {"volume", "rm"};
  if (engine.remote) args.push_back(jail_volume(volume));
  args.insert(args.end(), {projects_volume(volume), volume});
  return {engine.program, std::move(args), {}};
}

bool says_volumes_are_gone(const Engine& engine, std::string_view answer) {
  constexpr std::string_view gone = "o such volume";
  int count = 0;
  for (auto at = answer.find(gone); at != std::string_view::npos; at = answer.find(gone, at + gone.size())) ++count;
  return count >= (engine.remote ? 3 : 2);
}

core::Command find_volumes_command(const Engine& engine, const std::string& session_id) {
  Args args = {"volume", "ls", "--quiet", "--filter",
               session_id.empty() ? "label=jailed.session" : "label=jailed.session=" + session_id};
  if (!engine.asked_from.empty()) args.insert(args.end(), {"--filter", "label=" + machine_label(engine)});
  return {engine.program, std::move(args), {}};
}

core::Command inspect_volumes_command(const Engine& engine, const std::vector<std::string>& volumes) {
  Args args = {"volume", "inspect"};
  args.insert(args.end(), volumes.begin(), volumes.end());
  return {engine.program, std::move(args), {}};
}

std::vector<Volume> parse_volumes(std::string_view text) {
  std::vector<Volume> volumes;
  const auto answer = parse_answer(text);
  if (!answer.is_array()) return volumes;
  for (const auto& entry : answer) {
    const auto labels = entry.find("Labels");
    if (labels == entry.end() || !labels->is_object()) continue;
    Volume volume{.name = string_at(entry, "Name"),
                  .session = string_at(*labels, "jailed.session"),
                  .project = string_at(*labels, "jailed.project"),
                  .image = {},
                  .user = {},
                  .identity = {}};
    if (!is_engine_name(volume.name) || !is_session_id(volume.session) || !is_plain_path(volume.project) ||
        !parse_number(string_at(*labels, "jailed.owner"), volume.owner))
      continue;
    volumes.push_back(std::move(volume));
  }
  return volumes;
}

core::Command exec_command(const Engine& engine, const std::string& container, const std::string& workspace,
                           const Args& command, const std::string& token, bool terminal) {
  Args args = {"exec", "-i"};
  if (terminal) add_terminal(args, engine);
  args.insert(args.end(), {"--workdir", workspace, container, "/bin/sh", "-c", terminal ? kExec : kMarkedExec, token, kJailInit});
  args.insert(args.end(), command.begin(), command.end());
  return {engine.program, std::move(args), {}};
}

core::Command exec_command(const Engine& engine, const Jail& jail, const std::string& token) {
  return exec_command(engine, container_name(jail.project, jail.id), jail.place.workspace, jail.command, token, jail.terminal);
}

core::Command signal_command(const Engine& engine, const std::string& container, const std::string& token,
                             int signal) {
  return {engine.program, {"exec", container, "/bin/sh", "-c", kSignal, token, std::to_string(signal)}, {}};
}

core::Command end_others_command(const Engine& engine, const std::string& container) {
  return {engine.program, {"exec", container, "/bin/sh", "-c", kEndOthers}, {}};
}

core::Command watch_command(const Engine& engine, const std::string& container) {
  return {engine.program, {"exec", "--workdir", "/", container, "/bin/sh", "-c", kWatch}, {}};
}

core::Command gitfiles_command(const Engine& engine, const std::string& container,
                               const std::vector<ModulePlan>& modules) {
  Args args = {"exec", container, "/bin/sh", "-c", kGitfiles, "gitfiles"};
  for (const auto& module : modules) args.insert(args.end(), {module.work_tree, module.gitfile});
  return {engine.program, std::move(args), {}};
}

core::Command is_running_command(const Engine& engine, const std::string& container) {
  return {engine.program, {"container", "inspect", "--format", "{{.State.Running}}", container}, {}};
}

core::Command archive_command(const Engine& engine, const std::string& container,
                              const std::vector<std::string>& paths, const std::string& workspace) {
  Args args = {"exec",           "--workdir", workspace, container, "/bin/tar", "-c", "--ignore-failed-read",
               "--no-wildcards", "--"};
  for (const auto& path : paths) args.push_back(path.empty() ? "." : path);
  return {engine.program, std::move(args), {}};
}

std::string sync_key(const std::string& id, const std::string& name) {
  return name.empty() ? id : fmt::format("{}-{:016x}", id, core::siphash({}, name));
}

std::string sync_name(const std::string& id) { return "jailed-" + id; }

core::Command sync_create_command(const Mutagen& mutagen, const SyncSession& session) {
  // Agents' state and the shadows of repositories are for nobody else here, and all of it counts.
  const bool beside = session.name.starts_with('/');
  Args args = {"sync", "create", "--name", sync_name(sync_key(session.id, session.name)), "--label", "jailed=" + session.id,
               "--no-global-configuration", "--mode", "two-way-safe",
               // As they are: Mutagen itself never follows them, and a virtual environment is full of
               // absolute ones, which the other modes leave out.
               "--symlink-mode", "posix-raw", "--permissions-mode", "portable", "--default-file-mode",
               beside ? "0600" : "0644", "--default-directory-mode", beside ? "0700" : "0755",
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
  if (const auto found = session.find("conflicts"); found != session.end() && found->is_array()) {
    for (const auto& conflict : *found) {
      const auto root = conflict.is_object() ? conflict.find("root") : conflict.end();
      // Of the root of a project Mutagen leaves it out, or says that it is empty. What is no path of a project is still one
      // that is not home.
      const bool plain = conflict.is_object() && (root == conflict.end() || root->is_string()) && is_path_below(string_at(conflict, "root"));
      if (plain && state.conflicts.size() < kMostConflicts) state.conflicts.push_back(string_at(conflict, "root"));
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
