#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/commands/reuse.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/engine/find.hpp>
#include <jailed/engine/here.hpp>
#include <jailed/engine/images.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/engine/run.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/child.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/host/process/terminal.hpp>
#include <jailed/plan/engine/failure.hpp>
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/settings/environment.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/work/launch/foreign_image.hpp>
#include <jailed/work/launch/incomplete_copy.hpp>
#include <jailed/work/launch/isolated_network.hpp>
#include <jailed/work/launch/killed.hpp>
#include <jailed/work/launch/limits.hpp>
#include <jailed/work/launch/logins.hpp>
#include <jailed/work/launch/places.hpp>
#include <jailed/work/launch/prepared.hpp>
#include <jailed/work/launch/project_talk.hpp>
#include <jailed/work/launch/synced.hpp>
#include <jailed/work/life/sweep.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/sync/program.hpp>

namespace jailed::commands {

using namespace work;

namespace {

using core::Environment;
using core::Settings;

// How the project gets in: Mutagen, or nothing for bind mounts.
std::optional<MutagenProgram> choose_sync(const Settings& settings, const plan::Engine& engine,
                                          const Environment& environment) {
  if (settings.sync == core::Sync::bind) return std::nullopt;
  const bool asked_for = settings.sync == core::Sync::mutagen;
  try {
    auto program = find_mutagen(engine, environment);
    if (!program) {
      spdlog::warn("Mutagen not found. Install it for better file sync performance.");
      spdlog::info(
          "  get it from https://mutagen.io, or do without and without this line: JAILED_SYNC_STRATEGY=bind");
    }
    return program;
  } catch (const core::Error& error) {
    if (asked_for || !engine.reach.mounts) throw;
    spdlog::warn("{} The project is mounted directly.", error.what());
    return std::nullopt;
  }
}

std::vector<std::string> imagined_bind(const Launch& launch, const plan::Engine& engine) {
  auto jail = imagined_jail(launch).jail;
  if (launch.settings.detach) jail = plan::detached(std::move(jail), launch.command);
  return {core::shell_line(plan::run_command(engine, jail))};
}

engine::JailEnd run_once(const std::vector<std::string>& command, const Settings& settings,
                         const Environment& environment, const Places& places, const plan::Engine& engine,
                         const std::optional<MutagenProgram>& mutagen) {
  if (mutagen) {
    try {
      return run_synced({command, settings, environment, places, true}, engine, *mutagen);
    } catch (const IncompleteCopy& incomplete) {
      if (settings.sync == core::Sync::mutagen || !engine.reach.mounts) throw;
      spdlog::warn("{} The project is mounted directly.", incomplete.what());
    }
  }
  PreparedJail prepared({command, settings, environment, places});
  prepared.announce(plan::session_record(prepared.jail(), engine, settings));
  if (settings.detach) {
    const auto jail = plan::detached(prepared.jail(), command);
    if (auto said = engine::start_keeper(engine, jail); !said.empty())
      return {core::ExitStatus::exited(core::kFailed), std::move(said)};
    prepared.detach();
    std::cout << plan::container_name(jail.project, jail.id) << "\n";
    return {};
  }
  spdlog::debug("{}", core::shell_line(plan::run_command(engine, prepared.jail())));
  std::optional<engine::DeathWatch> watch;
  if (!plan::on_host_kernel(settings.sandbox)) watch.emplace(prepared.session(), engine, plan::container_name(prepared.jail()));
  prepared.enter();
  engine::JailEnd end;
  try {
    end = engine::run_jail(engine, prepared.jail(), prepared.lease());
  } catch (const host::CannotRun&) {
    prepared.end(engine, environment);
    throw;
  }
  watch.reset();
  say_if_killed(engine, prepared.jail(), end);
  end.status = status_after(end.status, prepared.end(engine, environment));
  return end;
}

// Whether somebody would see a question and could answer it.
bool can_ask() { return host::is_terminal(0) && host::is_terminal(2); }

bool wants_build() {
  std::cerr << "Build it now? [Y/n] " << std::flush;
  const auto answer = host::read_line();
  return answer && (answer->empty() || *answer == "y" || *answer == "Y" || *answer == "yes");
}

std::string printable_lines(std::string_view text) {
  std::string shown;
  for (const auto line : core::lines(text)) {
    if (!shown.empty()) shown += '\n';
    shown += core::printable(line);
  }
  return shown;
}

[[noreturn]] void report_engine_error(const plan::Engine& engine, const std::string& text,
                                      const Settings& settings) {
  auto failure = plan::recognise_sandbox_failure(engine, text, settings.sandbox);
  if (!failure) failure = plan::recognise_failure(engine, text, settings.image);
  if (failure) {
    spdlog::debug("The engine said: {}", printable_lines(text));
    throw core::Error(failure->message, failure->next_step);
  }
  throw core::Error(fmt::format("{} could not start the jail. It said:\n{}", engine.program, printable_lines(text)));
}

}  // namespace

int launch(const core::Invocation& invocation, const Settings& given, const Environment& environment) {
  auto settings = given;
  const auto& command = invocation.command;
  if (settings.detach) plan::check_detached(settings);
  auto engine = engine::find_engine(settings, environment);
  auto places = look_at_places(invocation.words, settings, environment);
  places.engine_socket =
      engine::look_at_engine_socket(settings, engine, identity_for(places, environment), environment);
  const bool synced = settings.sync != core::Sync::bind && host::find_program("mutagen", environment);
  engine::check_engine_here(engine, mounted_from(places), settings, synced, environment);
  engine::ask_remote_machine(engine);
  places.reach = engine.reach;
  places.machine = engine.machine;
  const auto mutagen = choose_sync(settings, engine, environment);
  if (settings.dry_run) {
    const Launch imagined{command, settings, environment, places, mutagen.has_value()};
    const auto lines = mutagen ? imagined_synced(imagined, engine, *mutagen) : imagined_bind(imagined, engine);
    for (const auto& line : lines) std::cout << line << "\n";
    return 0;
  }
  if (settings.reuse) {
    if (const auto status = reuse(invocation, settings, environment, places)) return *status;
  }
  make_config_tree(places.config, settings, places.project);
  sweep(engine, places, environment);
  for (const auto& notice : plan::surroundings_notices(settings, environment)) spdlog::info("{}", notice);
  if (!places.reach.mounts) tell_of_logins_elsewhere(plan::state_paths(places.config, settings, places.project).agents);
  tell_of_missing_limits(settings, engine, places.config);
  warn_of_foreign_image(engine, settings.image);
  if (!settings.quiet) {
    tell_of_moved_projects(places, settings);
    tell_of_links_out(places, settings, environment, mutagen.has_value());
  }
  if (settings.testcontainers == core::Testcontainers::socket)
    spdlog::warn("{}", plan::socket_warning(engine, places.engine_socket->found.owner));

  auto end = run_once(command, settings, environment, places, engine, mutagen);
  if (make_isolated_network(engine, end, settings))
    end = run_once(command, settings, environment, places, engine, mutagen);
  if (end.engine_error.empty()) return end.status.shell_code();
  const auto failure = plan::recognise_failure(engine, end.engine_error, settings.image);
  if (!failure || failure->kind != plan::Failure::Kind::image_missing)
    report_engine_error(engine, end.engine_error, settings);
  // The command, which must not run twice, can have said so itself.
  if (end.may_have_run && can_ask() && engine::has_image(engine, settings.image)) {
    std::cerr << end.engine_error;
    return end.status.shell_code();
  }
  spdlog::error("{}", failure->message);
  if (!can_ask()) spdlog::error("{}", failure->next_step);
  if (!can_ask() || !wants_build()) return core::kFailed;
  if (const int built = build(invocation, settings, environment); built != 0) return built;
  end = run_once(command, settings, environment, places, engine, mutagen);
  if (!end.engine_error.empty()) report_engine_error(engine, end.engine_error, settings);
  return end.status.shell_code();
}

}  // namespace jailed::commands
