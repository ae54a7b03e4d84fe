#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/commands/engine_here.hpp>
#include <jailed/commands/find_engine.hpp>
#include <jailed/commands/kept_sessions.hpp>
#include <jailed/commands/places.hpp>
#include <jailed/commands/prepared_jail.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/container_engine.hpp>
#include <jailed/engine/failure.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/idmapped_mount.hpp>
#include <jailed/host/process.hpp>
#include <jailed/host/session.hpp>
#include <jailed/host/terminal.hpp>
#include <jailed/plan/settings.hpp>
#include <jailed/socket_proxy/server.hpp>

namespace jailed::commands {
namespace {

using core::Environment;
using core::Settings;

void use_bind_mounts(const Settings& settings, const Environment& environment) {
  if (settings.sync == core::Sync::bind) return;
  if (!host::find_program("mutagen", environment)) {
    spdlog::warn("Mutagen not found. Install it for better file sync performance.");
    spdlog::info(
        "  get it from https://mutagen.io, or do without and without this line: JAILED_SYNC_STRATEGY=bind");
  } else if (settings.sync == core::Sync::mutagen) {
    spdlog::warn("This version of jailed cannot sync by Mutagen yet; the project is mounted directly.");
  }
}

void sweep(const plan::Engine& engine, const Places& places) {
  const auto sessions = places.config + "/sessions";
  for (const auto& id : host::abandoned_sessions(sessions)) {
    // A proxy that ended as it should has taken its socket away.
    const auto socket = sessions + "/" + id + "/" + socket_proxy::kSocketName;
    if (host::lstat_of(socket)) {
      engine::remove_siblings(engine, id);
      ::unlink(socket.c_str());
    }
    if (offer_kept_session(sessions, id, places.project)) continue;
    spdlog::debug("Removing what is left of session {}.", core::printable(id));
    engine::remove_session_containers(engine, id);
    clear_session(sessions, id, places.project);
  }
  if (::geteuid() == 0) host::IdmappedMounts::sweep();
}

engine::JailEnd run_once(const core::Options& options, const Settings& settings,
                         const Environment& environment, const Places& places, const plan::Engine& engine) {
  PreparedJail prepared(options, settings, environment, places);
  spdlog::debug("{}", core::shell_line(plan::run_command(engine, prepared.jail())));
  auto end = engine::run_jail(engine, prepared.jail(), prepared.lease());
  if (const auto hint = plan::killed_hint(end.status, engine, prepared.jail().limits))
    spdlog::warn("{}", *hint);
  prepared.bring_commits_home(engine, environment);
  return end;
}

// Whether somebody would see a question and could answer it.
bool can_ask() { return host::is_terminal(0) && host::is_terminal(2); }

bool wants_build() {
  std::cerr << "Build it now? [Y/n] " << std::flush;
  const auto answer = host::read_line();
  return answer && (answer->empty() || *answer == "y" || *answer == "Y" || *answer == "yes");
}

[[noreturn]] void report_engine_error(const plan::Engine& engine, const std::string& text,
                                      const std::string& image) {
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
  auto places = look_at_places(options, settings, environment);
  places.engine_socket =
      look_at_engine_socket(settings, engine, identity_for(places, environment), environment);
  check_engine_here(engine, settings.sync.value_or(core::Sync::bind), places, environment);
  if (options.dry_run) {
    std::cout << core::shell_line(
                     plan::run_command(engine, imagined_jail(options, settings, environment, places)))
              << "\n";
    return 0;
  }
  make_config_tree(places.config);
  use_bind_mounts(settings, environment);
  sweep(engine, places);
  tell_of_missing_limits(settings, engine, places);
  if (settings.testcontainers == core::Testcontainers::socket)
    spdlog::warn("{}", plan::socket_warning(engine, places.engine_socket->found.owner));

  auto end = run_once(options, settings, environment, places, engine);
  if (end.engine_error.empty()) return end.status.shell_code();
  const auto failure = engine::recognise_failure(engine, end.engine_error, settings.image);
  if (!failure || failure->kind != engine::Failure::Kind::image_missing)
    report_engine_error(engine, end.engine_error, settings.image);
  spdlog::error("{}", failure->message);
  if (!can_ask()) spdlog::error("{}", failure->next_step);
  if (!can_ask() || !wants_build()) return core::kFailed;
  if (const int built = build(options, {}, environment); built != 0) return built;
  end = run_once(options, settings, environment, places, engine);
  if (!end.engine_error.empty()) report_engine_error(engine, end.engine_error, settings.image);
  return end.status.shell_code();
}

}  // namespace jailed::commands
