#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/commands/find_engine.hpp>
#include <jailed/core/agent.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/container_engine.hpp>
#include <jailed/engine/failure.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/idmapped_mount.hpp>
#include <jailed/host/machine.hpp>
#include <jailed/host/process.hpp>
#include <jailed/host/session.hpp>
#include <jailed/host/terminal.hpp>
#include <jailed/plan/jail.hpp>
#include <jailed/plan/project.hpp>
#include <jailed/plan/settings.hpp>
#include <optional>

namespace jailed::commands {
namespace {

using core::Environment;
using core::Settings;

// The directories of the host that a launch uses, found and allowed.
struct Places {
  std::string project;
  std::string config;
  struct stat project_info {};
};

Places look_at_places(const core::Options& options, const Settings& settings, const Environment& environment) {
  auto config = settings.config_dir;
  while (config.size() > 1 && config.ends_with('/')) config.pop_back();
  const auto there = host::lstat_of(config);
  plan::ConfigDirFacts config_facts{.path = config, .exists = there.has_value(), .caller = ::geteuid()};
  if (there) {
    config_facts.is_directory = S_ISDIR(there->st_mode);
    config_facts.is_symlink = S_ISLNK(there->st_mode);
    config_facts.owner = there->st_uid;
    config_facts.mode = there->st_mode;
  }
  plan::check_config_dir(config_facts);

  Places places;
  places.config = host::canonical_as_far_as_it_exists(config);
  plan::ProjectFacts facts;
  facts.given = options.path.value_or(".");
  facts.path = host::canonical(facts.given, facts.problem);
  if (const auto info = host::lstat_of(facts.path)) {
    places.project_info = *info;
    facts.is_directory = S_ISDIR(info->st_mode);
    facts.readable = facts.is_directory && host::can_enter_and_read(facts.path);
  }
  std::string ignored;
  if (const auto home = environment.get("HOME")) facts.home = host::canonical(*home, ignored);
  facts.config_dir = places.config;
  plan::check_project(facts);
  places.project = facts.path;
  return places;
}

plan::Identity identity_for(const Places& places, const Environment& environment) {
  return plan::jail_identity({.uid = ::geteuid(),
                              .gid = ::getegid(),
                              .project_uid = places.project_info.st_uid,
                              .project_gid = places.project_info.st_gid,
                              .sudo_uid = environment.get("SUDO_UID").value_or(""),
                              .sudo_gid = environment.get("SUDO_GID").value_or("")});
}

void make_config_tree(const std::string& config) {
  host::make_private_directories(config + "/sessions");
  host::make_private_directories(config + "/cache");
  for (const auto& agent : core::agents()) {
    for (const auto& state : agent.state) host::make_private_directories(fmt::format("{}/agents/{}", config, state.name));
  }
}

// Asks git, which knows includes and conditions; only the user's own configuration, never the project's.
plan::GitIdentity git_identity(const Environment& environment) {
  const auto git = host::find_program("git", environment);
  if (!git) return {};
  const auto answer = host::capture({*git, {"config", "--global", "--includes", "--null", "--get-regexp", "^user\\.(name|email)$"}, {}});
  plan::GitIdentity identity;
  std::string_view rest = answer.out;
  while (!rest.empty()) {
    const auto entry = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    const auto value = entry.find('\n') == std::string_view::npos ? std::string_view{} : entry.substr(entry.find('\n') + 1);
    if (entry.starts_with("user.name")) identity.name = value;
    if (entry.starts_with("user.email")) identity.email = value;
  }
  return identity;
}

void use_bind_mounts(const Settings& settings, const Environment& environment) {
  if (settings.sync == core::Sync::bind) return;
  if (!host::find_program("mutagen", environment)) {
    spdlog::warn("Mutagen not found. Install it for better file sync performance.");
    spdlog::info("  get it from https://mutagen.io, or do without and without this line: JAILED_SYNC_STRATEGY=bind");
  } else if (settings.sync == core::Sync::mutagen) {
    spdlog::warn("This version of jailed cannot sync by Mutagen yet; the project is mounted directly.");
  }
}

plan::HostPaths host_paths(const std::string& workspace, const std::string& config_view, const std::string& session) {
  return {.workspace = workspace, .agents = config_view + "/agents", .cache = config_view + "/cache", .session = session, .lease = {}, .env_file = {}};
}

plan::Jail plan_jail(const core::Options& options, const Settings& settings, const Environment& environment, const Places& places,
                     const std::string& id, const plan::HostPaths& paths) {
  plan::Jail jail;
  jail.id = id;
  jail.project = places.project;
  jail.owner = ::geteuid();
  jail.image = settings.image;
  jail.user = settings.user;
  jail.identity = identity_for(places, environment);
  jail.limits = plan::jail_limits(settings, host::memory_size());
  jail.binds = plan::jail_binds(paths, settings.user);
  jail.tmpfs = plan::jail_tmpfs(settings.user, jail.limits.tmpfs_scale, jail.binds);
  jail.environment = plan::jail_environment(settings, environment, host::time_zone());
  if (!jail.environment.file.empty()) jail.env_file = paths.session + "/env";
  jail.command = options.command.empty() ? std::vector<std::string>{"zsh", "-l"} : options.command;
  jail.terminal = host::is_terminal(0) && host::is_terminal(1);
  return jail;
}

void write_session_files(const plan::Jail& jail, const std::string& session, const Environment& environment) {
  // Readable for all: for a caller who is root the jail's user is another one. The directory itself is private.
  host::write_new_file(session + "/passwd", plan::passwd_file(jail.user, jail.identity), 0644);
  host::write_new_file(session + "/group", plan::group_file(jail.user, jail.identity), 0644);
  host::write_new_file(session + "/gitconfig", plan::git_config_file(git_identity(environment)), 0644);
  if (!jail.env_file) return;
  std::string lines;
  for (const auto& variable : jail.environment.file) lines += variable.name + "=" + variable.value + "\n";
  host::write_new_file(*jail.env_file, lines, 0600);
}

// Root's files reach a jail that is not root by an idmapped mount; anyone's own files as they are.
bool needs_idmap(uid_t owner, plan::Identity identity) { return owner == 0 && identity.uid != 0; }

void sweep(const plan::Engine& engine, const std::string& sessions) {
  for (const auto& id : host::abandoned_sessions(sessions)) {
    spdlog::debug("Removing what is left of session {}.", core::printable(id));
    engine::remove_session_containers(engine, id);
    host::remove_session(sessions, id);
  }
  if (::geteuid() == 0) host::IdmappedMounts::sweep();
}

int show_command(const core::Options& options, const Settings& settings, const Environment& environment, const Places& places,
                 const plan::Engine& engine) {
  const auto id = host::new_session_id();
  const auto identity = identity_for(places, environment);
  const bool root = ::geteuid() == 0;
  const auto workspace = needs_idmap(places.project_info.st_uid, identity) ? host::IdmappedMounts::place(id, "workspace") : places.project;
  const auto config = root ? host::IdmappedMounts::place(id, "config") : places.config;
  auto paths = host_paths(workspace, config, places.config + "/sessions/" + id);
  if (host::Lease::supported()) paths.lease = paths.session + "/lease";
  std::cout << core::shell_line(plan::run_command(engine, plan_jail(options, settings, environment, places, id, paths))) << "\n";
  return 0;
}

engine::JailEnd run_once(const core::Options& options, const Settings& settings, const Environment& environment, const Places& places,
                         const plan::Engine& engine) {
  const host::Session session(places.config + "/sessions");
  const auto identity = identity_for(places, environment);
  std::optional<host::IdmappedMounts> idmapped;
  auto workspace = places.project;
  auto config = places.config;
  if (::geteuid() == 0) {
    idmapped.emplace(session.id(), identity.uid, identity.gid);
    if (needs_idmap(places.project_info.st_uid, identity)) workspace = idmapped->add(places.project, "workspace");
    config = idmapped->add(places.config, "config");
  }
  auto paths = host_paths(workspace, config, session.path());
  host::Lease lease(session.path() + "/lease");
  if (lease) paths.lease = lease.path();
  const auto jail = plan_jail(options, settings, environment, places, session.id(), paths);
  write_session_files(jail, session.path(), environment);
  spdlog::debug("{}", core::shell_line(plan::run_command(engine, jail)));
  return engine::run_jail(engine, jail, lease);
}

bool wants_build(const std::string& image) {
  spdlog::error("Image '{}' not found.", image);
  if (!host::is_terminal(0) || !host::is_terminal(2)) return false;
  std::cerr << "Build it now? [Y/n] " << std::flush;
  const auto answer = host::read_line();
  return answer && (answer->empty() || *answer == "y" || *answer == "Y" || *answer == "yes");
}

[[noreturn]] void report_engine_error(const plan::Engine& engine, const std::string& text, const std::string& image) {
  if (const auto failure = engine::recognise_failure(engine, text, image)) {
    spdlog::debug("The engine said: {}", text);
    throw core::Error(failure->message, failure->next_step);
  }
  throw core::Error(fmt::format("{} could not start the jail. It said:\n{}", engine.program, text));
}

}  // namespace

int launch(const core::Options& options, const Environment& environment) {
  const auto settings = plan::resolve_settings(options, environment);
  const auto engine = find_engine(settings, environment);
  const auto places = look_at_places(options, settings, environment);
  if (options.dry_run) return show_command(options, settings, environment, places, engine);
  make_config_tree(places.config);
  use_bind_mounts(settings, environment);
  sweep(engine, places.config + "/sessions");

  auto end = run_once(options, settings, environment, places, engine);
  if (end.engine_error.empty()) return end.status.shell_code();
  const auto failure = engine::recognise_failure(engine, end.engine_error, settings.image);
  if (!failure || failure->kind != engine::Failure::Kind::image_missing) report_engine_error(engine, end.engine_error, settings.image);
  if (!wants_build(settings.image)) {
    if (!host::is_terminal(0)) spdlog::error("{}", failure->next_step);
    return core::kFailed;
  }
  if (const int built = build(options, {}, environment); built != 0) return built;
  end = run_once(options, settings, environment, places, engine);
  if (!end.engine_error.empty()) report_engine_error(engine, end.engine_error, settings.image);
  return end.status.shell_code();
}

}  // namespace jailed::commands
