#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/core/agent.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/version.hpp>
#include <jailed/engine/find.hpp>
#include <jailed/engine/here.hpp>
#include <jailed/engine/images.hpp>
#include <jailed/host/process/terminal.hpp>
#include <jailed/plan/build/build.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/list/doctor.hpp>
#include <jailed/plan/settings/environment.hpp>
#include <jailed/plan/settings/table.hpp>
#include <jailed/work/launch/limits.hpp>
#include <jailed/work/launch/logins.hpp>
#include <jailed/work/launch/places.hpp>
#include <jailed/work/sync/program.hpp>

namespace jailed::commands {
namespace {

using core::Environment;
using core::Settings;
using plan::Diagnosis;
using State = Diagnosis::State;

// What a jail cannot do without: an error is how it fails, and the way out.
template <typename Look>
bool needs(std::vector<Diagnosis>& findings, std::string subject, Look&& look) {
  try {
    findings.push_back({subject, State::ok, look()});
    return true;
  } catch (const core::Error& error) {
    findings.push_back({std::move(subject), State::fail, error.what(), error.next_step()});
    return false;
  }
}

std::string engine_words(const plan::Engine& engine, const std::string& version) {
  auto words = fmt::format("{} {} ({}{})", plan::traits_of(engine).title, version, core::printable(engine.program), engine.rootless ? ", rootless" : "");
  if (!engine.reach.mounts) words += fmt::format(" at {}", plan::shown_address(engine.endpoint));
  return words;
}

Diagnosis image_finding(const plan::Engine& engine, const std::string& image) {
  if (!engine::has_image(engine, image)) return {"image", State::fail, fmt::format("'{}' is not there.", image), "jailed build"};
  const auto versions = engine::agents_of_image(engine, image).value_or(std::map<std::string, std::string>{});
  if (versions.empty()) return {"image", State::warn, fmt::format("'{}' was not built by jailed, or has no agents.", image), "jailed build"};
  std::vector<std::string> old;
  for (const auto& [agent, version] : plan::locked_versions(plan::image_context())) {
    const auto found = versions.find(agent);
    if (found != versions.end() && found->second != version) old.push_back(fmt::format("{} {} (now {})", agent, found->second, version));
  }
  if (old.empty()) return {"image", State::ok, fmt::format("{} with {} agents", image, versions.size())};
  return {"image", State::warn, fmt::format("{} is of another jailed: {}", image, fmt::join(old, ", ")), "jailed build"};
}

std::string sync_words(const plan::Engine& engine, const Settings& settings, const Environment& environment) {
  if (settings.sync == core::Sync::bind) return "the project is mounted";
  const auto mutagen = work::find_mutagen(engine, environment);
  if (mutagen) return fmt::format("Mutagen {}", mutagen->version);
  if (settings.sync == core::Sync::mutagen || !engine.reach.mounts) throw core::Error("Mutagen is not installed.", "get it from https://mutagen.io");
  return "no Mutagen: the project is mounted";
}

Diagnosis disk_finding(const std::string& config) {
  constexpr std::uintmax_t gib = std::uintmax_t{1} << 30;
  std::error_code error;
  const auto space = std::filesystem::space(config, error);
  if (error) return {"disk", State::ok, "the configuration directory is not made yet"};
  const auto words = fmt::format("{:.1f} GiB free for the configuration directory, {}", static_cast<double>(space.available) / static_cast<double>(gib), config);
  if (space.available >= gib) return {"disk", State::ok, words};
  return {"disk", State::warn, words, "make room: commits and caches of jails go there"};
}

Diagnosis logins_finding(const Settings& settings, const Environment& environment) {
  const auto variables = plan::jail_environment(settings, environment, {});
  const auto state = plan::state_paths(settings.config_dir, settings, {}).agents;
  std::vector<std::string_view> ready;
  for (const auto& agent : core::agents()) {
    if (plan::find_key(variables, agent.keys) || work::has_login(agent, state)) ready.push_back(agent.name);
  }
  if (ready.empty()) return {"agents", State::warn, "none has a login or a key", "jailed login AGENT; jailed agents shows them"};
  return {"agents", State::ok, fmt::format("with a login or a key: {}", fmt::join(ready, " "))};
}

Diagnosis settings_finding(const Settings& settings) {
  std::vector<std::string> given;
  for (const auto& [name, set_by] : settings.given) {
    if (const auto* setting = plan::find_setting(name); setting == nullptr || setting->key().empty()) continue;  // of this call only
    given.push_back(fmt::format("{} by {}", name, set_by));
  }
  if (given.empty()) return {"settings", State::ok, "all have their defaults"};
  return {"settings", State::ok, fmt::format("{}", fmt::join(given, ", "))};
}

void engine_findings(std::vector<Diagnosis>& findings, const Settings& settings, const Environment& environment) {
  std::optional<plan::Engine> engine;
  const bool answers = needs(findings, "engine", [&] {
    engine = engine::use_engine(settings, environment);
    const auto version = engine::ask_version(*engine);
    engine::ask_remote_machine(*engine);
    return engine_words(*engine, version);
  });
  std::optional<work::Places> places;
  needs(findings, "project", [&] {
    places = work::look_at_places({}, settings, environment);
    return places->project;
  });
  if (!answers) return;
  if (places) {
    const bool synced = settings.sync != core::Sync::bind && host::find_program("mutagen", environment);
    needs(findings, "mounts", [&] {
      engine::check_engine_here(*engine, work::mounted_from(*places), settings, synced, environment);
      return std::string(engine->selinux ? "SELinux enforces; what a jail mounts is labelled" : engine->reach.mounts ? "the engine sees this machine's files" : "by Mutagen and copies");
    });
  }
  needs(findings, "sync", [&] { return sync_words(*engine, settings, environment); });
  const auto missing = work::missing_limits(*engine, settings);
  findings.push_back({"limits", missing ? State::warn : State::ok, missing.value_or("memory, processes and processors can be limited")});
  findings.push_back(image_finding(*engine, settings.image));
}

}  // namespace

int doctor(const core::Invocation&, const Settings& settings, const Environment& environment) {
  std::vector<Diagnosis> findings = {{"jailed", State::ok, core::kVersion}};
  engine_findings(findings, settings, environment);
  findings.push_back(disk_finding(settings.config_dir));
  findings.push_back(logins_finding(settings, environment));
  findings.push_back(settings_finding(settings));
  const auto notices = plan::surroundings_notices(settings, environment);
  for (const auto& notice : notices) findings.push_back({"terminal", State::warn, notice});
  if (notices.empty())
    findings.push_back({"terminal", State::ok, host::is_terminal(STDIN_FILENO) ? fmt::format("TERM={}", environment.get("TERM").value_or("")) : "none, as in a script"});
  std::cout << (settings.json ? plan::findings_json(findings) : plan::findings_text(findings));
  return plan::is_well(findings) ? 0 : core::kFailed;
}

}  // namespace jailed::commands
