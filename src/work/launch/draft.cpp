#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <jailed/core/command.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/machine.hpp>
#include <jailed/host/process/lease.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/host/process/terminal.hpp>
#include <jailed/plan/jail/caller_context.hpp>
#include <jailed/plan/jail/isolated_network.hpp>
#include <jailed/plan/jail/seccomp.hpp>
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/socket_proxy/decision.hpp>
#include <jailed/socket_proxy/server.hpp>
#include <jailed/work/launch/draft.hpp>

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

plan::HostPaths host_paths(const plan::StatePaths& state, const std::string& session) {
  return {.workspace = {},
          .agents = state.agents,
          .cache = state.cache,
          .session = session,
          .git = {},
          .guards = {},
          .further = {},
          .places = {plan::JailPlace{}},
          .lease = {},
          .env_file = {}};
}

// What the caller's git ignores everywhere must not be in the agent's commits.
void add_git_caller(JailDraft& draft, const Launch& launch) {
  auto caller = git_caller(launch.environment, launch.places.project);
  draft.signs_commits = caller.signs;
  const auto file = plan::git_ignore_file(caller, launch.environment);
  auto ignores = !launch.places.reach.mounts || file.empty() ? std::nullopt : host::read_file(file);
  if (ignores && !ignores->empty()) {
    draft.jail.binds.push_back({draft.session + "/gitignore", plan::kGitIgnores, true});
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

void add_shares(plan::HostPaths& paths, const std::vector<ProjectShare>& shares) {
  paths.workspace = shares.front().workspace;
  paths.git = shares.front().git.binds;
  paths.guards = shares.front().execution.guards.binds;
  paths.further = further_binds(shares);
  paths.places.clear();
  for (const auto& share : shares) paths.places.push_back(share.place);
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
void add_engine_socket(JailDraft& draft, const Launch& launch, const engine::EngineSocket& socket) {
  draft.socket = socket.found.path;
  if (socket.access.idmap) {
    std::string reason;
    draft.socket = draft.mounts->add(host::canonical(draft.socket, reason), "engine.sock");
  }
  const bool filtered = socket.mode == core::Testcontainers::proxy;
  add_engine_socket(draft.jail, socket, filtered ? draft.session + "/" + socket_proxy::kSocketName : draft.socket, launch.settings);
}

plan::Jail jail_of(const Launch& launch, const std::string& id, const plan::HostPaths& paths) {
  const auto& [command, settings, environment, places, synced] = launch;
  plan::Jail jail;
  jail.id = id;
  jail.project = places.project;
  jail.owner = ::geteuid();
  for (const auto& project : places.further) jail.further.push_back({project.name, project.path});
  jail.place = paths.places.front();
  jail.image = settings.image;
  jail.user = settings.user;
  jail.identity = identity_for(places, environment);
  jail.limits = plan::jail_limits(
      settings,
      {.memory = places.machine ? places.machine->memory : host::memory_size(),
       .files = host::most_open_files(),
       .processes = host::most_processes()});
  jail.binds = plan::jail_binds(paths, settings.user);
  jail.tmpfs = plan::jail_tmpfs(settings.user, jail.limits, jail.binds);
  jail.environment = plan::jail_environment(settings, environment, host::time_zone());
  if (const auto mask = plan::jail_umask(host::file_mask())) jail.environment.constants.push_back({"JAILED_UMASK", *mask});
  if (!jail.environment.file.empty()) jail.env_file = paths.session + "/env";
  if (settings.seccomp == core::Seccomp::jailed) jail.seccomp = paths.session + "/seccomp.json";
  jail.isolated = plan::can_be_isolated(settings);
  if (settings.sandbox) jail.sandbox = settings.sandbox->value;
  jail.command = command.empty() ? std::vector<std::string>{"zsh", "-l"} : command;
  jail.terminal = host::is_terminal(0) && host::is_terminal(1);
  return jail;
}

}  // namespace

JailDraft draft_jail(const Launch& launch, const std::string& id, std::vector<ProjectShare> shares, std::optional<std::string> lease) {
  const auto& places = launch.places;
  const auto& settings = launch.settings;
  const auto sessions = places.config + "/sessions";
  JailDraft draft;
  draft.session = sessions + "/" + id;
  auto config = places.config;
  if (::geteuid() == 0 && places.reach.mounts) {
    const auto identity = identity_for(places, launch.environment);
    draft.mounts = std::make_unique<host::IdmappedMounts>(id, identity.uid, identity.gid, !plan::on_host_kernel(settings.sandbox));
    config = draft.mounts->add(places.config, "config");
  }
  draft.session_view = config + "/sessions/" + id;
  auto paths = host_paths(plan::state_paths(config, settings, places.project), draft.session);
  paths.lease = std::move(lease);
  draft.views = std::make_unique<ObjectViews>(id, reader_for(places, launch.environment), draft.mounts.get());
  draft.shares = std::move(shares);
  plan_shares(draft.shares, {settings, launch.environment, {sessions, id, draft.session_view, {}}, *draft.views, draft.mounts.get(),
                             launch.synced, !places.reach.mounts});
  add_shares(paths, draft.shares);
  draft.jail = jail_of(launch, id, paths);
  add_git_environment(draft.jail, draft.shares);
  if (places.engine_socket) add_engine_socket(draft, launch, *places.engine_socket);
  add_git_caller(draft, launch);
  add_session_files(draft);
  return draft;
}

JailDraft draft_later_jail(const Launch& launch, const std::string& id, host::IdmappedMounts* mounts) {
  const auto& places = launch.places;
  const auto config = mounts != nullptr ? mounts->add(places.config, "config") : places.config;
  JailDraft draft;
  draft.session = places.config + "/sessions/" + id;
  draft.session_view = config + "/sessions/" + id;
  draft.jail = jail_of(launch, id, host_paths(plan::state_paths(config, launch.settings, places.project), draft.session));
  draft.files.push_back({"gitconfig", plan::git_config_file(git_caller(launch.environment, places.project))});
  add_session_files(draft);
  return draft;
}

std::optional<std::string> planned_lease(const Launch& launch, const std::string& session) {
  if (!host::Lease::supported() || !launch.places.reach.lease || !plan::on_host_kernel(launch.settings.sandbox)) return std::nullopt;
  return session + "/lease";
}

}  // namespace jailed::work
