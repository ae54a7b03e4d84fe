#include <fmt/format.h>

#include <algorithm>
#include <jailed/plan/project/project.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <jailed/plan/sync/volume.hpp>

namespace jailed::plan {
namespace {

using Args = std::vector<std::string>;

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

std::string git_entry(const std::string& place) { return place + "/.git"; }

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
  jail.carried.reset();
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

core::EngineCall exec_command(const Engine& engine, const std::string& container, const std::string& workspace,
                              const Args& command, const std::string& token, bool terminal) {
  Args args = {"exec", "-i"};
  if (terminal) add_terminal(args, engine);
  args.insert(args.end(), {"--workdir", workspace, container, "/bin/sh", "-c", terminal ? kExec : kMarkedExec, token, kJailInit});
  args.insert(args.end(), command.begin(), command.end());
  return {engine.program, std::move(args), {}};
}

core::EngineCall exec_command(const Engine& engine, const Jail& jail, const std::string& token) {
  return exec_command(engine, container_name(jail.project, jail.id), jail.place.workspace, jail.command, token, jail.terminal);
}

core::EngineCall signal_command(const Engine& engine, const std::string& container, const std::string& token,
                                int signal) {
  return {engine.program, {"exec", container, "/bin/sh", "-c", kSignal, token, std::to_string(signal)}, {}};
}

core::EngineCall end_others_command(const Engine& engine, const std::string& container) {
  return {engine.program, {"exec", container, "/bin/sh", "-c", kEndOthers}, {}};
}

core::EngineCall watch_command(const Engine& engine, const std::string& container) {
  return {engine.program, {"exec", "--workdir", "/", container, "/bin/sh", "-c", kWatch}, {}};
}

core::EngineCall gitfiles_command(const Engine& engine, const std::string& container,
                                  const std::vector<ModulePlan>& modules) {
  Args args = {"exec", container, "/bin/sh", "-c", kGitfiles, "gitfiles"};
  for (const auto& module : modules) args.insert(args.end(), {module.work_tree, module.gitfile});
  return {engine.program, std::move(args), {}};
}

core::EngineCall is_running_command(const Engine& engine, const std::string& container) {
  return {engine.program, {"container", "inspect", "--format", "{{.State.Running}}", container}, {}};
}

core::EngineCall archive_command(const Engine& engine, const std::string& container,
                                 const std::vector<std::string>& paths, const std::string& workspace) {
  Args args = {"exec",           "--workdir", workspace, container, "/bin/tar", "-c", "--ignore-failed-read",
               "--no-wildcards", "--"};
  for (const auto& path : paths) args.push_back(path.empty() ? "." : path);
  return {engine.program, std::move(args), {}};
}

}  // namespace jailed::plan
