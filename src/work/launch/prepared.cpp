#include <fmt/format.h>
#include <spdlog/spdlog.h>
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
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/socket_proxy/decision.hpp>
#include <jailed/socket_proxy/server.hpp>
#include <jailed/work/git/object_views.hpp>
#include <jailed/work/git/shadow.hpp>
#include <jailed/work/launch/beside.hpp>
#include <jailed/work/launch/prepared.hpp>
#include <jailed/work/launch/shares.hpp>

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

plan::Jail plan_jail(const core::Options& options, const Settings& settings, const Environment& environment,
                     const Places& places, const std::string& id, const plan::HostPaths& paths) {
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
      {.memory = places.remote ? places.remote->memory : host::memory_size(),
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
  jail.command = options.command.empty() ? std::vector<std::string>{"zsh", "-l"} : options.command;
  jail.terminal = host::is_terminal(0) && host::is_terminal(1);
  return jail;
}

// What the caller's git ignores everywhere must not be in the agent's commits.
void add_git_caller(plan::Jail& jail, plan::GitCaller caller, const std::string& session, const Environment& environment,
                    bool remote) {
  if (caller.signs) spdlog::info("Commits made in the jail are not signed (commit.gpgsign): your key stays here.");
  const auto file = plan::git_ignore_file(caller, environment);
  const auto ignores = remote || file.empty() ? std::nullopt : host::read_file(file);
  if (ignores && !ignores->empty()) {
    host::write_new_file(session + "/gitignore", *ignores, 0644);
    jail.binds.push_back({session + "/gitignore", plan::kGitIgnores, true});
    caller.settings.emplace_back("core.excludesfile", plan::kGitIgnores);
  }
  host::write_new_file(session + "/gitconfig", plan::git_config_file(caller), 0644);
}

void write_session_files(const plan::Jail& jail, const std::string& session) {
  // Readable for all: for a caller who is root the jail's user is another one. The directory itself is
  // private.
  host::write_new_file(session + "/passwd", plan::passwd_file(jail.user, jail.identity), 0644);
  host::write_new_file(session + "/group", plan::group_file(jail.user, jail.identity, jail.groups), 0644);
  if (jail.seccomp) {
    const bool host_kernel = !jail.sandbox || plan::on_host_kernel(core::Named{*jail.sandbox, {}});
    host::write_new_file(*jail.seccomp, plan::seccomp_profile_for(host_kernel), 0644);
  }
  if (!jail.env_file) return;
  std::string lines;
  for (const auto& variable : jail.environment.file) lines += variable.name + "=" + variable.value + "\n";
  host::write_new_file(*jail.env_file, lines, 0600);
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

core::Command proxy_command(const plan::Jail& jail, const engine::EngineSocket& socket, const std::string& upstream,
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

}  // namespace

PreparedJail::PreparedJail(const core::Options& options, const Settings& settings,
                           const Environment& environment, const Places& places, bool synced) {
  try {
    prepare(options, settings, environment, places, synced);
  } catch (...) {
    if (session_) not_entered();
    throw;
  }
}

void PreparedJail::prepare(const core::Options& options, const Settings& settings, const Environment& environment,
                           const Places& places, bool synced) {
  sessions_ = places.config + "/sessions";
  const auto identity = identity_for(places, environment);
  const auto reader = reader_for(places, environment);
  shares_ = look_at_projects(places, reader, environment);
  for (const auto& share : shares_) check_beside_jails(sessions_, share.path, !share.facts.modules.empty(), {});
  session_.emplace(sessions_);
  auto config = places.config;
  if (::geteuid() == 0 && !places.remote) {
    idmapped_.emplace(session_->id(), identity.uid, identity.gid, !plan::on_host_kernel(settings.sandbox));
    config = idmapped_->add(places.config, "config");
  }
  auto paths = host_paths(plan::state_paths(config, settings, places.project), session_->path());
  session_view_ = config + "/sessions/" + session_->id();
  views_.emplace(session_->id(), reader, idmapped_ ? &*idmapped_ : nullptr);
  decltype(ShareContext::held) hold;
  if (idmapped_) hold = [&](const auto& source, const auto& name, const auto& checked) { return idmapped_->hold(source, name, checked); };
  plan_shares(shares_, {settings, environment, {sessions_, session_->id(), session_view_, {}}, *views_,
                       [&](const auto& source, const auto& name, const auto& checked) { return idmapped_->add(source, name, &checked); }, hold,
                       synced, places.remote.has_value()});
  if (const auto& warning = shares_.front().git.warning; !warning.empty()) spdlog::warn("{}", warning);
  for (const auto& share : shares_) {
    if (!share.git.notice.empty()) spdlog::info("{}", share.git.notice);
  }
  add_shares(paths, shares_);
  lease_.emplace(session_->path() + "/lease");
  if (places.remote || !plan::on_host_kernel(settings.sandbox)) lease_->release();
  if (*lease_) paths.lease = lease_->path();
  jail_ = plan_jail(options, settings, environment, places, session_->id(), paths);
  add_git_environment(jail_, shares_);
  if (const auto& socket = places.engine_socket) {
    auto path = socket->found.path;
    std::string reason;
    if (socket->access.idmap) path = idmapped_->add(host::canonical(path, reason), "engine.sock");
    if (socket->mode == core::Testcontainers::proxy) {
      socket_proxy_.emplace(proxy_command(jail_, *socket, path, session_->path()));
      path = session_->path() + "/" + socket_proxy::kSocketName;
    }
    add_engine_socket(jail_, *socket, path, settings);
  }
  add_git_caller(jail_, git_caller(environment, places.project), session_->path(), environment, places.remote.has_value());
  write_session_files(jail_, session_->path());
  make_shares(shares_, session_->path());
}

PreparedJail::~PreparedJail() {
  if (state_ == State::made) not_entered();
  if (state_ != State::entered) return;
  // Its container may run for another moment: the end is left to a jailed that has removed it.
  clear_project();
  spdlog::error("What this jail did is kept in {}.", core::printable(session_->path()));
  spdlog::error("  the next jailed looks at it and says how it comes home");
}

void PreparedJail::detach() {
  session_->detach();
  state_ = State::over;
}

void PreparedJail::not_entered() noexcept {
  state_ = State::over;
  session_->done();
  clear_project();
}

void PreparedJail::clear_project() noexcept {
  try {
    remove_made_entries(sessions_, session_->id());
  } catch (const std::exception& error) {
    spdlog::debug("{}", error.what());
  }
}

Kept PreparedJail::end(const plan::Engine& engine, const Environment& environment, bool files_home) {
  const ShadowedSession session{session_->id(), session_->path(), session_view_, jail_};
  const auto kept = end_jail({.sessions = sessions_,
                              .id = session_->id(),
                              .files_home = files_home,
                              .bring_commits = [&] { return bring_commits_home(engine, session, *views_, environment); }});
  state_ = State::over;
  if (end_socket_proxy(engine)) {
    if (kept.nothing()) session_->done();
  } else if (kept.nothing()) {
    // All that the next launch needs to know; the project was looked at, and is its owner's from now on.
    for (const auto& name : host::list_directory(session_->path())) {
      if (name != socket_proxy::kSocketName && name != "record" && name != "conflicts") host::remove_tree(session_->path() + "/" + name);
    }
  }
  return kept;
}

// Whether all that the jail made through it is gone. Else its socket stays in the session, by which the next launch knows.
bool PreparedJail::end_socket_proxy(const plan::Engine& engine) {
  if (!socket_proxy_) return true;
  const auto status = socket_proxy_->end();
  if (status && status->ok()) {
    ::unlink((session_->path() + "/" + socket_proxy::kSocketName).c_str());
    return true;
  }
  spdlog::warn("Not all that this jail made through --testcontainers=proxy is removed: {}.",
               status ? "the engine did not do it" : "the engine is still at it");
  spdlog::warn("  the next jailed tries again; what is left: {} ps --all --filter label={}={}", engine.program, socket_proxy::kSiblingLabel,
               session_->id());
  return false;
}

ShadowedSession shadowed_session(const Settings& settings, const Environment& environment,
                                 const Places& places, const std::string& id,
                                 host::IdmappedMounts* idmapped) {
  const auto config = idmapped ? idmapped->add(places.config, "config") : places.config;
  const auto session = places.config + "/sessions/" + id;
  for (const auto* name : {"passwd", "group", "gitconfig", "seccomp.json", "env"})
    ::unlink((session + "/" + name).c_str());
  auto jail = plan_jail({}, settings, environment, places, id,
                        host_paths(plan::state_paths(config, settings, places.project), session));
  host::write_new_file(session + "/gitconfig", plan::git_config_file(git_caller(environment, places.project)), 0644);
  write_session_files(jail, session);
  return {id, session, config + "/sessions/" + id, std::move(jail)};
}

ImaginedJail imagined_jail(const core::Options& options, const Settings& settings,
                           const Environment& environment, const Places& places, bool synced) {
  const auto id = new_session_id();
  const auto reader = reader_for(places, environment);
  const bool root = ::geteuid() == 0 && !places.remote;
  const auto config = root ? host::IdmappedMounts::place(id, "config") : places.config;
  auto paths = host_paths(plan::state_paths(config, settings, places.project), places.config + "/sessions/" + id);
  auto shares = look_at_projects(places, reader, environment);
  ObjectViews views(id, reader, nullptr);
  const decltype(ShareContext::held) place = [&](const auto&, const auto& name, const auto&) { return host::IdmappedMounts::place(id, name); };
  plan_shares(shares, {settings, environment, {places.config + "/sessions", id, config + "/sessions/" + id, {}}, views,
                       place, root ? place : decltype(ShareContext::held){}, synced,
                       places.remote.has_value()});
  add_shares(paths, shares);
  if (host::Lease::supported() && !places.remote && plan::on_host_kernel(settings.sandbox))
    paths.lease = paths.session + "/lease";
  auto jail = plan_jail(options, settings, environment, places, id, paths);
  add_git_environment(jail, shares);
  if (const auto& socket = places.engine_socket) {
    auto path = socket->found.path;
    if (socket->access.idmap) path = host::IdmappedMounts::place(id, "engine.sock");
    if (socket->mode == core::Testcontainers::proxy) path = paths.session + "/" + socket_proxy::kSocketName;
    add_engine_socket(jail, *socket, path, settings);
  }
  return {std::move(jail), std::move(shares)};
}

}  // namespace jailed::work
