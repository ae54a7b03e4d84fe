#include <spdlog/spdlog.h>

#include <exception>
#include <iostream>
#include <jailed/cli/complete.hpp>
#include <jailed/cli/print_completion.hpp>
#include <jailed/core/command.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/work/life/found.hpp>
#include <string_view>

namespace jailed::plan {
extern const std::string_view kBashCompletion;
extern const std::string_view kZshCompletion;
extern const std::string_view kFishCompletion;
}  // namespace jailed::plan

namespace jailed::cli {
namespace {

void print_jails(const core::Environment& environment) {
  try {
    const auto settings = plan::resolve_settings({.verb = core::Verb::list}, environment);
    for (const auto& jail : plan::own_jails(work::look(settings, environment).jails)) std::cout << jail.name << "\t" << core::printable(jail.project) << "\n";
  } catch (const std::exception&) {
    // No engine, then: no jails.
  }
}

}  // namespace

int print_completion(const core::Invocation& invocation, const core::Settings&, const core::Environment&) {
  const auto shell = invocation.word();
  std::cout << (shell == "bash" ? plan::kBashCompletion : shell == "zsh" ? plan::kZshCompletion : plan::kFishCompletion);
  return 0;
}

int print_candidates(const core::Invocation& invocation, const core::Settings&, const core::Environment& environment) {
  spdlog::set_level(spdlog::level::off);
  const auto found = complete(invocation.command);
  for (const auto& [text, help] : found.words) std::cout << text << (help.empty() ? "" : "\t") << help << "\n";
  if (found.also == Completion::Also::jails) print_jails(environment);
  if (found.also == Completion::Also::directories) std::cout << ":directories\n";
  if (found.also == Completion::Also::files) std::cout << ":files\n";
  return 0;
}

}  // namespace jailed::cli
