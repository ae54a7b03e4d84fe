#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/work/life/found.hpp>
#include <jailed/work/network/network.hpp>
#include <jailed/work/network/standing.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/session/session.hpp>
#include <thread>

namespace jailed::commands {

using namespace work;

namespace {

using core::Environment;
using core::Invocation;
using core::Settings;
using plan::FoundJail;

constexpr auto kBetweenReads = std::chrono::milliseconds(300);

std::string current_directory() {
  std::string reason;
  return host::canonical(".", reason);
}

struct Watched {
  FoundJail jail;
  std::string session;
};

// The jail that a word means, as the sessions know it: no engine has to be asked for what is in files here.
Watched watched(const Settings& settings, const Environment& environment, const std::string& word) {
  const auto found = about(settings, environment);
  const auto jail = choose(noted_jails(found.engine, found.sessions), word);
  auto session = found.sessions + "/" + jail.session;
  if (!session_policy(session))
    throw core::UsageError(fmt::format("{} keeps no log of its network.", jail.name), "jails with one are started with: jailed --network restricted, or observe");
  return {jail, std::move(session)};
}

std::vector<plan::HostRule> rules_of(const Invocation& invocation, const char* verb) {
  if (invocation.words.empty()) throw core::UsageError("No host is named.", fmt::format("jailed network {} HOST...", verb));
  std::vector<plan::HostRule> rules;
  for (const auto& word : invocation.words) rules.push_back(plan::parse_host_rule(word, fmt::format("network {}", verb)));
  return rules;
}

bool is_around_here(const FoundJail& jail, const std::string& here) {
  for (const auto& project : plan::projects_of(jail)) {
    if (plan::is_within(here, project)) return true;
  }
  return false;
}

int change_rules(const Invocation& invocation, const Settings& settings, const Environment& environment, plan::RuleChange change) {
  const bool allows = change == plan::RuleChange::allow;
  const auto rules = rules_of(invocation, allows ? "allow" : "deny");
  const auto found = about(settings, environment);
  const auto here = current_directory();
  auto project = here;
  std::vector<FoundJail> jails;
  for (const auto& jail : noted_jails(found.engine, found.sessions)) {
    if (!settings.global && !is_around_here(jail, here)) continue;
    if (!settings.global) project = jail.project;
    jails.push_back(jail);
  }
  write_standing_rules(host::canonical_as_far_as_it_exists(settings.config_dir), settings.global ? "" : project, change, rules);
  std::string names;
  for (const auto& rule : rules) names += (names.empty() ? "" : ", ") + plan::host_rule_text(rule);
  spdlog::info("{} {} from now on: {}", settings.global ? "All jails" : fmt::format("Jails of {}", core::printable(project)),
               allows ? "may talk to" : "may not talk to", names);
  for (const auto& jail : jails) {
    if (change_running(found.sessions + "/" + jail.session, change, rules)) spdlog::info("  {} too, which runs", jail.name);
  }
  return 0;
}

}  // namespace

int network_log(const Invocation& invocation, const Settings& settings, const Environment& environment) {
  const auto [jail, session] = watched(settings, environment, invocation.word());
  std::size_t shown = 0;
  while (true) {
    auto events = network_events(session);
    if (events.size() < shown) shown = 0;  // the log was begun anew
    const std::vector<plan::NetworkEvent> more(events.begin() + static_cast<std::ptrdiff_t>(shown), events.end());
    shown = events.size();
    std::cout << (settings.json ? plan::network_log_json(more) : plan::network_log_table(more)) << std::flush;
    if (!settings.follow || !std::cout || !session_is_owned(host::canonical_as_far_as_it_exists(settings.config_dir) + "/sessions", jail.session)) return 0;
    std::this_thread::sleep_for(kBetweenReads);
  }
}

int network_check(const Invocation& invocation, const Settings& settings, const Environment& environment) {
  const auto rules = rules_of(invocation, "check");
  const auto [jail, session] = watched(settings, environment, "");
  const auto policy = session_policy(session);
  bool all = true;
  for (const auto& rule : rules) {
    const auto answer = plan::ask_policy(*policy, rule.name, rule.port);
    all = all && answer.allowed;
    const auto why = !answer.rule.empty() ? " (" + answer.rule + ")" : policy->registries ? " (but where it is a registry of the image's own tools)" : "";
    std::cout << fmt::format("{}: {}{}\n", plan::host_rule_text(rule), answer.allowed ? "allowed" : "refused", why);
  }
  return all ? 0 : 1;
}

int network_allow(const Invocation& invocation, const Settings& settings, const Environment& environment) {
  return change_rules(invocation, settings, environment, plan::RuleChange::allow);
}

int network_deny(const Invocation& invocation, const Settings& settings, const Environment& environment) {
  return change_rules(invocation, settings, environment, plan::RuleChange::deny);
}

int network_suggest(const Invocation& invocation, const Settings& settings, const Environment& environment) {
  const auto [jail, session] = watched(settings, environment, invocation.word());
  const auto rules = plan::suggested_rules(network_events(session));
  if (rules.empty()) {
    spdlog::info("{} has talked to nobody so far.", jail.name);
    return 0;
  }
  std::string options;
  for (const auto& rule : rules) options += fmt::format(" --allow {}", core::shell_quote(rule));
  std::cout << fmt::format("jailed --network restricted --allow-set none{} {}\n", options, core::shell_quote(jail.project));
  spdlog::info("Through each of these hosts data can leave, too: an upload to any account or repository there is allowed as well.");
  return 0;
}

}  // namespace jailed::commands
