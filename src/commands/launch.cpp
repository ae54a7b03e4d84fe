#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/commands/reuse.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/engine/images.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/engine/run.hpp>
#include <jailed/host/process/child.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/host/process/terminal.hpp>
#include <jailed/plan/engine/failure.hpp>
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/settings/environment.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/work/launch/facts.hpp>
#include <jailed/work/launch/foreign_image.hpp>
#include <jailed/work/launch/incomplete_copy.hpp>
#include <jailed/work/launch/isolated_network.hpp>
#include <jailed/work/launch/jail_network.hpp>
#include <jailed/work/launch/killed.hpp>
#include <jailed/work/launch/limits.hpp>
#include <jailed/work/launch/logins.hpp>
#include <jailed/work/launch/prepared.hpp>
#include <jailed/work/launch/project_talk.hpp>
#include <jailed/work/launch/synced.hpp>
#include <jailed/work/life/sweep.hpp>

namespace jailed::commands {

using namespace work;

namespace {

std::vector<std::string> imagined_bind(const LaunchFacts& facts) {
  const auto imagined = imagined_jail(facts);
  auto lines = network_lines(facts, imagined);
  auto jail = imagined.jail;
  if (facts.settings.detach) jail = plan::detached(std::move(jail), facts.command);
  lines.push_back(core::shell_line(plan::run_command(facts.engine, jail)));
  return lines;
}

engine::JailEnd run_mounted(const LaunchFacts& facts) {
  const auto& engine = facts.engine;
  PreparedJail prepared(facts);
  prepared.announce(plan::session_record(prepared.jail(), engine, facts.settings));
  auto network = start_network(facts, prepared);
  if (facts.settings.detach) {
    const auto jail = plan::detached(prepared.jail(), facts.command);
    if (auto said = engine::start_keeper(engine, jail); !said.empty())
      return {core::ExitStatus::exited(core::kFailed), std::move(said)};
    prepared.detach();
    std::cout << plan::container_name(jail.project, jail.id) << "\n";
    return {};
  }
  spdlog::debug("{}", core::shell_line(plan::run_command(engine, prepared.jail())));
  std::optional<engine::DeathWatch> watch;
  if (!plan::on_host_kernel(facts.settings.sandbox)) watch.emplace(prepared.session(), engine, plan::container_name(prepared.jail()));
  prepared.enter();
  engine::JailEnd end;
  try {
    end = engine::run_jail(engine, prepared.jail(), prepared.lease());
  } catch (const host::CannotRun&) {
    prepared.end(engine, facts.environment);
    throw;
  }
  watch.reset();
  say_if_killed(engine, prepared.jail(), end);
  network.end();
  end.status = status_after(end.status, prepared.end(engine, facts.environment));
  return end;
}

engine::JailEnd run_once(const LaunchFacts& facts) {
  if (!facts.mutagen) return run_mounted(facts);
  try {
    return run_synced(facts);
  } catch (const IncompleteCopy& incomplete) {
    if (facts.settings.sync == core::Sync::mutagen || !facts.engine.reach.mounts) throw;
    spdlog::warn("{} The project is mounted directly.", incomplete.what());
  }
  return run_mounted(mounted_instead(facts));
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

[[noreturn]] void report_engine_error(const LaunchFacts& facts, const std::string& text) {
  auto failure = plan::recognise_sandbox_failure(facts.engine, text, facts.settings.sandbox);
  if (!failure) failure = plan::recognise_failure(facts.engine, text, facts.settings.image);
  if (failure) {
    spdlog::debug("The engine said: {}", printable_lines(text));
    throw core::Error(failure->message, failure->next_step);
  }
  throw core::Error(fmt::format("{} could not start the jail. It said:\n{}", facts.engine.program, printable_lines(text)));
}

// What a user should know before somebody is in the jail.
void tell_before(const LaunchFacts& facts) {
  const auto& engine = facts.engine;
  const auto& settings = facts.settings;
  const auto& places = facts.places;
  for (const auto& notice : plan::surroundings_notices(settings, facts.environment)) spdlog::info("{}", notice);
  if (!engine.reach.mounts) tell_of_logins_elsewhere(plan::state_paths(places.config, settings, places.project).agents);
  tell_of_missing_limits(facts);
  look_at_image(engine, settings.image);
  if (!settings.quiet) {
    tell_of_moved_projects(facts);
    tell_of_links_out(facts);
  }
  if (settings.testcontainers == core::Testcontainers::socket)
    spdlog::warn("{}", plan::socket_warning(engine, facts.engine_socket->found.owner));
}

}  // namespace

int launch(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment) {
  if (settings.detach) plan::check_detached(settings);
  const auto found = look_at_launch(invocation, settings, environment);
  if (settings.dry_run) {
    for (const auto& line : found.mutagen ? imagined_synced(found) : imagined_bind(found)) std::cout << line << "\n";
    return 0;
  }
  if (settings.reuse) {
    if (const auto status = reuse(invocation, settings, environment, found.places)) return *status;
  }
  make_config_tree(found.places.config, settings, found.places.project);
  sweep(found);
  tell_before(found);

  auto end = run_once(found);
  const auto changed = with_isolated_network(found, end);
  const auto& facts = changed ? *changed : found;
  if (changed) end = run_once(facts);
  if (end.engine_error.empty()) return end.status.shell_code();
  const auto failure = plan::recognise_failure(facts.engine, end.engine_error, settings.image);
  if (!failure || failure->kind != plan::Failure::Kind::image_missing) report_engine_error(facts, end.engine_error);
  // The command, which must not run twice, can have said so itself.
  if (end.may_have_run && can_ask() && engine::has_image(facts.engine, settings.image)) {
    std::cerr << end.engine_error;
    return end.status.shell_code();
  }
  spdlog::error("{}", failure->message);
  if (!can_ask()) spdlog::error("{}", failure->next_step);
  if (!can_ask() || !wants_build()) return core::kFailed;
  if (const int built = build(invocation, settings, environment); built != 0) return built;
  end = run_once(facts);
  if (!end.engine_error.empty()) report_engine_error(facts, end.engine_error);
  return end.status.shell_code();
}

}  // namespace jailed::commands
