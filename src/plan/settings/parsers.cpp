#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <jailed/core/agent.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/number.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/network/sets.hpp>
#include <jailed/plan/settings/environment.hpp>
#include <jailed/plan/settings/parsers.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <utility>

namespace jailed::plan {
namespace {

using core::Named;
using core::UsageError;
using Words = std::vector<std::string>;

UsageError bad_value(const Named& given, std::string_view expected) {
  return UsageError(fmt::format("{}: '{}' is not {}.", given.set_by, core::printable(given.value), expected));
}

// The value of the word that was given.
template <typename Value>
Value word_of(const Named& given, std::initializer_list<std::pair<std::string_view, Value>> words, std::string_view expected) {
  for (const auto& [word, value] : words) {
    if (given.value == word) return value;
  }
  throw bad_value(given, expected);
}

// The text, if it is a good one.
std::string text_if(const Named& given, bool good, std::string_view expected) {
  if (!good) throw bad_value(given, expected);
  return given.value;
}

std::uint64_t count_of(const Named& given, std::string_view what, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  if (!core::parse_number(given.value, number) || number < least || number > most)
    throw bad_value(given, fmt::format("a number of {} from {} to {}", what, least, most));
  return number;
}

Words choice_of(const Named& given, const Words& known) {
  if (given.value == "none") return {};
  Words chosen;
  for (const auto word : core::words(given.value, ", ")) chosen.emplace_back(word);
  const auto refuse = [&](const std::string& why) {
    throw UsageError(fmt::format("{}: {}.", given.set_by, why),
                     fmt::format("choose from: {}, or none", fmt::join(known, ",")));
  };
  for (const auto& word : chosen) {
    if (std::find(known.begin(), known.end(), word) == known.end())
      refuse(fmt::format("unknown name '{}'", core::printable(word)));
  }
  if (chosen.empty()) refuse("no name given");
  Words ordered;
  std::copy_if(known.begin(), known.end(), std::back_inserter(ordered),
               [&](const auto& word) { return std::find(chosen.begin(), chosen.end(), word) != chosen.end(); });
  return ordered;
}

}  // namespace

std::uint64_t parse_size(const Named& given) {
  const std::string_view text = given.value;
  const auto wrong = [&] { return bad_value(given, "a size such as 512m, 8g or 1.5g (at least 64m)"); };
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc{} || !std::isfinite(number) || number <= 0) throw wrong();
  const auto unit = core::lower_case(text.substr(static_cast<std::size_t>(result.ptr - text.data())));
  static constexpr std::string_view units = "bkmgt";
  const auto power = unit.empty() ? 0 : units.find(unit.front());
  const auto rest = unit.empty() ? "" : unit.substr(1);  // m, mb, mib; but only b
  if (power == std::string_view::npos || (!rest.empty() && (power == 0 || (rest != "b" && rest != "ib")))) throw wrong();
  const double bytes = number * std::pow(1024.0, static_cast<double>(power));
  if (bytes < 64.0 * 1024 * 1024 || bytes > std::pow(2.0, 62)) throw wrong();
  return static_cast<std::uint64_t>(bytes);
}

bool switch_of(const Named& given) {
  return word_of<bool>(given,
                       {{"true", true}, {"1", true}, {"yes", true}, {"on", true}, {"false", false}, {"0", false}, {"no", false}, {"off", false}},
                       "yes or no");
}

std::string image_of(const Named& given) {
  return text_if(given, is_image_reference(given.value), "an image reference such as jailed:latest");
}

std::string base_of(const Named& given) {
  return text_if(given, is_image_reference(given.value), "an image reference such as debian:trixie-slim");
}

std::string user_of(const Named& given) {
  return text_if(given, is_user_name(given.value),
                 "a user name (a lower-case letter or _, then up to 31 of a-z 0-9 _ -; not root)");
}

std::string image_user_of(const Named& given) {
  if (!is_user_name(given.value))
    throw UsageError(fmt::format("{}: '{}' is not a user name.", given.set_by, core::printable(given.value)),
                     "a lower-case letter or _, then up to 31 of a-z 0-9 _ -; not root");
  return given.value;
}

std::string directory_of(const Named& given) { return text_if(given, !given.value.empty(), "a directory"); }

std::string profile_of(const Named& given) {
  return text_if(given, is_profile_name(given.value), "a profile's name (letters, digits, '.', '_' and '-', up to 64)");
}

std::string processors_of(const Named& given) {
  double number = 0;
  const bool whole = core::parse_number(given.value, number);
  return text_if(given, whole && number >= 0.01 && number <= 4096, "a number of processors such as 2 or 1.5");
}

std::string env_entry_of(const Named& given) {
  if (!is_env_entry(given.value))
    throw bad_value({given.value.substr(0, given.value.find('=')), given.set_by}, "NAME or NAME=VALUE");
  return given.value;
}

std::string prompt_of(const Named& given) {
  return text_if(given, given.value.find_first_not_of(" \t\r\n") != std::string::npos, "a prompt");
}

std::string glob_of(const Named& given) {
  const auto& glob = given.value;
  return text_if(given, glob.find_first_not_of('/') != std::string::npos && ("/" + glob + "/").find("/../") == std::string::npos,
                 "a path below the project, such as .envrc or tools/**");
}

Named sandbox_of(const Named& given) {
  text_if(given, is_oci_runtime(given.value), "an OCI runtime's name such as runc, crun or runsc");
  return given;
}

core::Sync sync_of(const Named& given) {
  return word_of<core::Sync>(given, {{"bind", core::Sync::bind}, {"mutagen", core::Sync::mutagen}},
                             "a sync strategy: mutagen or bind");
}

core::GitMode git_mode_of(const Named& given) {
  using core::GitMode;
  return word_of<GitMode>(
      given, {{"shadow", GitMode::shadow}, {"rw", GitMode::rw}, {"ro", GitMode::ro}, {"none", GitMode::none}},
      "a way to git: shadow, rw, ro or none");
}

core::Cache cache_of(const Named& given) {
  using core::Cache;
  return word_of<Cache>(given, {{"shared", Cache::shared}, {"project", Cache::project}, {"none", Cache::none}},
                        "whose caches to use: shared, project or none");
}

core::Seccomp seccomp_of(const Named& given) {
  return word_of<core::Seccomp>(given, {{"jailed", core::Seccomp::jailed}, {"default", core::Seccomp::engine}},
                                "a filter of system calls: jailed or default");
}

core::Report report_of(const Named& given) {
  return word_of<core::Report>(given, {{"text", core::Report::text}, {"json", core::Report::json}},
                               "a form of the report: text or json");
}

core::Testcontainers testcontainers_of(const Named& given) {
  using core::Testcontainers;
  return word_of<Testcontainers>(given,
                                 {{"socket", Testcontainers::socket},
                                  {"1", Testcontainers::socket},
                                  {"true", Testcontainers::socket},
                                  {"yes", Testcontainers::socket},
                                  {"on", Testcontainers::socket},
                                  {"proxy", Testcontainers::proxy},
                                  {"0", Testcontainers::off},
                                  {"false", Testcontainers::off},
                                  {"no", Testcontainers::off},
                                  {"off", Testcontainers::off}},
                                 "a way to the engine's socket: socket, proxy or off");
}

core::Network network_of(const Named& given) {
  using core::Network;
  return word_of<Network>(
      given, {{"open", Network::open}, {"restricted", Network::restricted}, {"observe", Network::observe}, {"none", Network::none}},
      "what a jail can talk to: open, restricted, observe or none");
}

Named host_of(const Named& given) {
  parse_host_rule(given.value, given.set_by);
  return given;
}

std::string network_set_of(const Named& given) {
  auto sets = network_sets();
  sets.emplace_back("none");
  return text_if(given, std::find(sets.begin(), sets.end(), given.value) != sets.end(),
                 fmt::format("a set of hosts: {}", fmt::join(sets, ", ")));
}

core::Waiver waiver_of(const Named& given) {
  using core::Waiver;
  return word_of<Waiver>(given,
                         {{"foreign-project", Waiver::foreign_project},
                          {"system-directory", Waiver::system_directory},
                          {"secret-store", Waiver::secret_store},
                          {"symlink", Waiver::symlink}},
                         "foreign-project, system-directory, secret-store or symlink");
}

std::uint64_t processes_of(const Named& given) { return count_of(given, "processes", 16, 4194304); }
std::uint64_t open_files_of(const Named& given) { return count_of(given, "open files", 64, 1048576); }

Words agents_of(const Named& given) {
  Words names;
  for (const auto& agent : core::agents()) names.emplace_back(agent.name);
  return choice_of(given, names);
}

Words toolchains_of(const Named& given) {
  const auto all = core::toolchains();
  return choice_of(given, {all.begin(), all.end()});
}

}  // namespace jailed::plan
