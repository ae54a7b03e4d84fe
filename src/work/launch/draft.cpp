#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <jailed/core/command.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/machine.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/host/process/terminal.hpp>
#include <jailed/plan/jail/caller_context.hpp>
#include <jailed/plan/jail/isolated_network.hpp>
#include <jailed/plan/jail/seccomp.hpp>
#include <jailed/plan/network/sidecar.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/socket_proxy/decision.hpp>
#include <jailed/socket_proxy/server.hpp>
#include <jailed/work/launch/draft.hpp>
#include <jailed/work/launch/own_ignores.hpp>

namespace jailed::work {
namespace {

using core::Environment;
using core::Settings;

constexpr auto kGitPatience = std::chrono::seconds(5);

// What git reads of a repository to know where it is: it would wait for a FIFO.
bool git_can_look_at(const std::string& project) {
  const auto is_none_or_file = [&](const char* name) {
    const auto info = host::lstat_of(project + "/.git/" + name);
    return !info || S_ISREG(info->st_mode);
  };
  const auto entry = host::lstat_of(project + "/.git");
  return !entry || S_ISREG(entry->st_mode) ||
         (S_ISDIR(entry->st_mode) && is_none_or_file("HEAD") && is_none_or_file("config") && is_none_or_file("commondir"));
}

// Asks git, which knows includes and their conditions; only the user's own configuration, never the project's. It is
// asked in the project, as there are conditions on where that is ("gitdir:").
plan::GitCaller git_caller(const Environment& environment, const std::string& project) {
  const auto git = host::find_program("git", environment);
  if (!git) return {};
  const core::Command ask{*git,
                          {"-C", git_can_look_at(project) ? project : "/", "-c", "safe.bareRepository=explicit", "config",
                           "--global", "--includes", "--null", "--get-regexp", plan::git_caller_pattern()},
                          {}};
  const auto answer = host::capture_shielded(ask, kGitPatience);
  return answer ? plan::git_caller(answer->out) : plan::GitCaller{};
}

plan::Layout layout_for(const LaunchFacts& facts, const std::string& id, std::vector<plan::NamedProject> projects, bool can_lease) {
  return plan::layout_of({.id = id,
                          .config = facts.places.config,
                          .project = facts.places.project,
                          .projects = std::move(projects),
                          .root_mounts = ::geteuid() == 0 ? host::IdmappedMounts::directory(id) : std::string{},
                          .reach = facts.engine.reach,
                          .synced = facts.mutagen.has_value(),
                          .can_lease = can_lease},
                         facts.settings);
}

// What the caller's git ignores everywhere must not be in the agent's commits.
void add_git_caller(JailDraft& draft, const LaunchFacts& facts) {
  auto caller = git_caller(facts.environment, facts.places.project);
  draft.signs_commits = caller.signs;
  const auto file = plan::git_ignore_file(caller, facts.environment);
  auto ignores = !facts.engine.reach.mounts || file.empty() ? std::nullopt : read_own_ignores(file, draft.layout.sessions);
  if (ignores && !ignores->empty()) {
    draft.jail.binds.push_back({draft.layout.file("gitignore"), plan::kGitIgnores, true});
    caller.settings.emplace_back("core.excludesfile", plan::kGitIgnores);
    draft.files.push_back({"gitignore", std::move(*ignores)});
  }
  draft.files.push_back({"gitconfig", plan::git_config_file(caller)});
}

void add_engine_socket(plan::Jail& jail, const engine::EngineSocket& socket, const std::string& mount,
                       const Settings& settings) {
  const bool filtered = socket.mode == core::Testcontainers::proxy;
  plan::add_testcontainers(jail, socket.engine,
                           {.mount = mount,
                            .on_host = socket.found.path,
                            .filtered = filtered,
                            .group = filtered ? std::nullopt : socket.access.group},
                           settings.env);
}

// What the user set beats it.
void add_git_environment(plan::Jail& jail, const std::vector<ProjectShare>& shares) {
  auto& plan = jail.environment;
  for (const auto& share : shares) {
    for (const auto& variable : share.git.environment) {
      const auto is_set = [&](const auto& other) { return other.name == variable.name; };
      if (std::find(plan.names.begin(), plan.names.end(), variable.name) == plan.names.end() &&
          std::none_of(plan.constants.begin(), plan.constants.end(), is_set))
        plan.constants.push_back(variable);
    }
  }
}

// Readable for all: for a caller who is root the jail's user is another one. The directory itself is private.
void add_session_files(JailDraft& draft) {
  const auto& jail = draft.jail;
  draft.files.push_back({"passwd", plan::passwd_file(jail.user, jail.identity)});
  draft.files.push_back({"group", plan::group_file(jail.user, jail.identity, jail.groups)});
  if (jail.seccomp) {
    const bool host_kernel = !jail.sandbox || plan::on_host_kernel(core::Named{*jail.sandbox, {}});
    draft.files.push_back({"seccomp.json", plan::seccomp_profile_for(host_kernel)});
  }
  if (!jail.env_file) return;
  std::string lines;
  for (const auto& variable : jail.environment.file) lines += variable.name + "=" + variable.value + "\n";
  draft.files.push_back({"env", std::move(lines), 0600});
}

// Where the engine's socket is for the jail, behind the proxy or as it is.
void add_engine_socket(JailDraft& draft, const LaunchFacts& facts, const engine::EngineSocket& socket) {
  draft.socket = socket.found.path;
  if (socket.access.idmap) {
    std::string reason;
    draft.socket = host::IdmappedMounts::place(draft.layout.id, "engine.sock");
    draft.mounts->add(host::canonical(socket.found.path, reason), draft.socket);
  }
  const bool filtered = socket.mode == core::Testcontainers::proxy;
  add_engine_socket(draft.jail, socket, filtered ? draft.layout.file(socket_proxy::kSocketName) : draft.socket, facts.settings);
}

// `in_projects`: the projects' mounts; none in a jail that has no project.
plan::Jail jail_of(const LaunchFacts& facts, const plan::Layout& layout, std::vector<plan::BindMount> in_projects) {
  const auto& settings = facts.settings;
  plan::Jail jail;
  jail.id = layout.id;
  jail.project = facts.places.project;
  jail.owner = ::geteuid();
  for (const auto& project : facts.places.further) jail.further.push_back({project.name, project.path});
  if (!layout.projects.empty()) jail.place = layout.projects.front().place;
  jail.image = settings.image;
  jail.user = settings.user;
  jail.identity = facts.identity;
  jail.limits = plan::jail_limits(
      settings,
      {.memory = facts.engine.machine ? facts.engine.machine->memory : host::memory_size(),
       .files = host::most_open_files(),
       .processes = host::most_processes()});
  jail.binds = plan::jail_binds(layout, std::move(in_projects), settings.user);
  jail.tmpfs = plan::jail_tmpfs(settings.user, jail.limits, jail.binds);
  jail.environment = plan::jail_environment(settings, facts.environment, host::time_zone());
  if (const auto mask = plan::jail_umask(host::file_mask())) jail.environment.constants.push_back({"JAILED_UMASK", *mask});
  if (!jail.environment.file.empty()) jail.env_file = layout.file("env");
  if (settings.seccomp == core::Seccomp::jailed) jail.seccomp = layout.file("seccomp.json");
  jail.isolated = plan::can_be_isolated(settings);
  if (settings.sandbox) jail.sandbox = settings.sandbox->value;
  jail.command = facts.command.empty() ? std::vector<std::string>{"zsh", "-l"} : facts.command;
  jail.terminal = host::is_terminal(0) && host::is_terminal(1);
  return jail;
}

}  // namespace

JailDraft draft_jail(const LaunchFacts& facts, const std::string& id, std::vector<ProjectShare> shares, bool can_lease) {
  std::vector<plan::NamedProject> projects;
  for (const auto& share : shares) projects.push_back({share.name, share.path});
  JailDraft draft;
  draft.layout = layout_for(facts, id, std::move(projects), can_lease);
  if (::geteuid() == 0 && facts.engine.reach.mounts) {
    draft.mounts = std::make_unique<host::IdmappedMounts>(id, facts.identity.uid, facts.identity.gid, !plan::on_host_kernel(facts.settings.sandbox));
    draft.mounts->add(facts.places.config, draft.layout.config);
  }
  draft.views = std::make_unique<ObjectViews>(id, facts.reader, draft.mounts.get());
  draft.shares = std::move(shares);
  plan_shares(draft.shares, facts, draft.layout, *draft.views, draft.mounts.get());
  draft.jail = jail_of(facts, draft.layout, project_binds(draft.shares));
  add_git_environment(draft.jail, draft.shares);
  if (facts.engine_socket) add_engine_socket(draft, facts, *facts.engine_socket);
  plan::close_network(draft.jail, facts.settings, draft.layout.session);
  add_git_caller(draft, facts);
  add_session_files(draft);
  return draft;
}

JailDraft draft_later_jail(const LaunchFacts& facts, const std::string& id) {
  JailDraft draft;
  draft.layout = layout_for(facts, id, {}, false);
  draft.jail = jail_of(facts, draft.layout, {});
  draft.files.push_back({"gitconfig", plan::git_config_file(git_caller(facts.environment, facts.places.project))});
  add_session_files(draft);
  return draft;
}

}  // namespace jailed::work
