#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <jailed/commands/prepared_jail.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/machine.hpp>
#include <jailed/host/process.hpp>
#include <jailed/host/terminal.hpp>
#include <jailed/socket_proxy/server.hpp>

namespace jailed::commands {
namespace {

using core::Environment;
using core::Settings;

// Asks git, which knows includes and conditions; only the user's own configuration, never the project's.
plan::GitIdentity git_identity(const Environment& environment) {
  const auto git = host::find_program("git", environment);
  if (!git) return {};
  const auto answer = host::capture(
      {*git, {"config", "--global", "--includes", "--null", "--get-regexp", "^user\\.(name|email)$"}, {}});
  plan::GitIdentity identity;
  std::string_view rest = answer.out;
  while (!rest.empty()) {
    const auto entry = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    const auto value =
        entry.find('\n') == std::string_view::npos ? std::string_view{} : entry.substr(entry.find('\n') + 1);
    if (entry.starts_with("user.name")) identity.name = value;
    if (entry.starts_with("user.email")) identity.email = value;
  }
  return identity;
}

plan::HostPaths host_paths(const std::string& workspace, const std::string& config_view,
                           const std::string& session) {
  return {.workspace = workspace,
          .agents = config_view + "/agents",
          .cache = config_view + "/cache",
          .session = session,
          .git = {},
          .lease = {},
          .env_file = {}};
}

plan::Jail plan_jail(const core::Options& options, const Settings& settings, const Environment& environment,
                     const Places& places, const std::string& id, const plan::HostPaths& paths) {
  plan::Jail jail;
  jail.id = id;
  jail.project = places.project;
  jail.owner = ::geteuid();
  jail.image = settings.image;
  jail.user = settings.user;
  jail.identity = identity_for(places, environment);
  jail.limits = plan::jail_limits(
      settings,
      {.memory = host::memory_size(), .files = host::most_open_files(), .processes = host::most_processes()});
  jail.binds = plan::jail_binds(paths, settings.user);
  jail.tmpfs = plan::jail_tmpfs(settings.user, jail.limits, jail.binds);
  jail.environment = plan::jail_environment(settings, environment, host::time_zone());
  if (!jail.environment.file.empty()) jail.env_file = paths.session + "/env";
  if (settings.seccomp == core::Seccomp::jailed) jail.seccomp = paths.session + "/seccomp.json";
  jail.command = options.command.empty() ? std::vector<std::string>{"zsh", "-l"} : options.command;
  jail.terminal = host::is_terminal(0) && host::is_terminal(1);
  return jail;
}

void write_session_files(const plan::Jail& jail, const std::string& session, const Environment& environment) {
  // Readable for all: for a caller who is root the jail's user is another one. The directory itself is
  // private.
  host::write_new_file(session + "/passwd", plan::passwd_file(jail.user, jail.identity), 0644);
  host::write_new_file(session + "/group", plan::group_file(jail.user, jail.identity, jail.groups), 0644);
  host::write_new_file(session + "/gitconfig", plan::git_config_file(git_identity(environment)), 0644);
  if (jail.seccomp) host::write_new_file(*jail.seccomp, plan::seccomp_profile(), 0644);
  if (!jail.env_file) return;
  std::string lines;
  for (const auto& variable : jail.environment.file) lines += variable.name + "=" + variable.value + "\n";
  host::write_new_file(*jail.env_file, lines, 0600);
}

void add_engine_socket(plan::Jail& jail, const EngineSocket& socket, const std::string& mount,
                       const Settings& settings) {
  const bool filtered = socket.mode == core::Testcontainers::proxy;
  plan::add_testcontainers(jail, socket.engine,
                           {.mount = mount,
                            .on_host = socket.found.path,
                            .filtered = filtered,
                            .group = filtered ? std::nullopt : socket.access.group},
                           settings.env);
}

core::Command proxy_command(const plan::Jail& jail, const EngineSocket& socket, const std::string& upstream,
                            const std::string& session) {
  return socket_proxy::command({.directory = session,
                                .upstream = upstream,
                                .session = jail.id,
                                .uid = jail.identity.uid,
                                .gid = jail.identity.gid,
                                .group = socket.access.group,
                                .memory = jail.limits.memory,
                                .pids = jail.limits.pids},
                               "/proc/self/exe");
}

// Root's files reach a jail that is not root by an idmapped mount; anyone's own files as they are.
bool needs_idmap(uid_t owner, plan::Identity identity) { return owner == 0 && identity.uid != 0; }

// What the user set beats it.
void add_git_environment(plan::Jail& jail, const plan::GitPlan& git) {
  auto& plan = jail.environment;
  for (const auto& variable : git.environment) {
    if (std::find(plan.names.begin(), plan.names.end(), variable.name) == plan.names.end())
      plan.constants.push_back(variable);
  }
}

}  // namespace

PreparedJail::PreparedJail(const core::Options& options, const Settings& settings,
                           const Environment& environment, const Places& places) {
  sessions_ = places.config + "/sessions";
  const auto git_facts = look_at_git(places.project);
  session_.emplace(sessions_);
  const auto identity = identity_for(places, environment);
  auto workspace = places.project;
  auto config = places.config;
  if (::geteuid() == 0) {
    idmapped_.emplace(session_->id(), identity.uid, identity.gid);
    if (needs_idmap(places.project_info.st_uid, identity))
      workspace = idmapped_->add(places.project, "workspace");
    config = idmapped_->add(places.config, "config");
  }
  auto paths = host_paths(workspace, config, session_->path());
  session_view_ = config + "/sessions/" + session_->id();
  views_.emplace(session_->id(), identity, idmapped_ ? &*idmapped_ : nullptr);
  git_ = plan::plan_git(settings.git, git_facts, git_sources(git_facts, session_view_, workspace, *views_));
  if (!git_.warning.empty()) spdlog::warn("{}", git_.warning);
  if (!git_.notice.empty()) spdlog::info("{}", git_.notice);
  paths.git = git_.binds;
  lease_.emplace(session_->path() + "/lease");
  if (*lease_) paths.lease = lease_->path();
  jail_ = plan_jail(options, settings, environment, places, session_->id(), paths);
  add_git_environment(jail_, git_);
  if (const auto& socket = places.engine_socket) {
    auto path = socket->found.path;
    if (socket->access.idmap) path = idmapped_->add(path, "engine.sock");
    if (socket->mode == core::Testcontainers::proxy) {
      socket_proxy_.emplace(proxy_command(jail_, *socket, path, session_->path()));
      path = session_->path() + "/" + socket_proxy::kSocketName;
    }
    add_engine_socket(jail_, *socket, path, settings);
  }
  write_session_files(jail_, session_->path(), environment);
  make_git_shadow(git_, git_facts, session_->path(), needs_idmap(places.project_info.st_uid, identity));
}

void PreparedJail::bring_commits_home(const plan::Engine& engine, const Environment& environment) {
  const auto state = read_shadow_state(session_->path(), session_->path());
  if (!state.record) return;
  remove_made_entry(sessions_, session_->id(), *state.record);
  if (!session_has_work(session_->path())) return;
  // Whatever happens from here on, the session is not removed before its commits are home.
  session_->keep();
  const ShadowedSession session{session_->id(), session_->path(), session_view_, jail_};
  if (commands::bring_commits_home(engine, session, *views_, environment)) {
    session_->keep(false);
  } else {
    strip_session(session_->path());
  }
}

ShadowedSession shadowed_session(const Settings& settings, const Environment& environment,
                                 const Places& places, const std::string& id,
                                 host::IdmappedMounts* idmapped) {
  const auto config = idmapped ? idmapped->add(places.config, "config") : places.config;
  const auto session = places.config + "/sessions/" + id;
  for (const auto* name : {"passwd", "group", "gitconfig", "seccomp.json", "env"})
    ::unlink((session + "/" + name).c_str());
  auto jail = plan_jail({}, settings, environment, places, id, host_paths({}, config, session));
  write_session_files(jail, session, environment);
  return {id, session, config + "/sessions/" + id, std::move(jail)};
}

ImaginedJail imagined_jail(const core::Options& options, const Settings& settings,
                           const Environment& environment, const Places& places) {
  const auto id = host::new_session_id();
  const auto identity = identity_for(places, environment);
  const bool root = ::geteuid() == 0;
  const auto workspace = needs_idmap(places.project_info.st_uid, identity)
                             ? host::IdmappedMounts::place(id, "workspace")
                             : places.project;
  const auto config = root ? host::IdmappedMounts::place(id, "config") : places.config;
  auto paths = host_paths(workspace, config, places.config + "/sessions/" + id);
  const auto git_facts = look_at_git(places.project);
  ObjectViews views(id, identity, nullptr);
  const auto sources = git_sources(git_facts, config + "/sessions/" + id, workspace, views);
  auto git = plan::plan_git(settings.git, git_facts, sources);
  paths.git = git.binds;
  if (host::Lease::supported()) paths.lease = paths.session + "/lease";
  auto jail = plan_jail(options, settings, environment, places, id, paths);
  add_git_environment(jail, git);
  if (const auto& socket = places.engine_socket) {
    auto path = socket->found.path;
    if (socket->access.idmap) path = host::IdmappedMounts::place(id, "engine.sock");
    if (socket->mode == core::Testcontainers::proxy) path = paths.session + "/" + socket_proxy::kSocketName;
    add_engine_socket(jail, *socket, path, settings);
  }
  return {std::move(jail), std::move(git)};
}

}  // namespace jailed::commands
