#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/invocation.hpp>
#include <jailed/core/settings.hpp>
#include <span>
#include <string_view>

namespace jailed::cli {

/// A word that a verb takes, or as many as there are.
struct Word {
  std::string_view name;
  std::string_view help;
  bool many = false;
  std::span<const std::string_view> choices = {};  // there are choices: one of them has to be there
};

/// One verb: parsing, its help and the list of commands are made from here. Which flags it takes, the settings say
/// (plan/settings/table).
struct VerbRow {
  core::Verb verb;
  std::string_view name;   // one word or two; empty: jailed itself
  std::string_view usage;  // what follows the name in the list of commands
  std::string_view summary;  // in that list; empty: it is not for users, and stands nowhere
  std::string_view help;     // what its own help begins with; {agents} becomes their names
  std::span<const Word> words = {};
  bool takes_command = false;   // after --
  bool needs_settings = true;  // else it gets none, and works whatever variables there are
  int (*run)(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);

  std::string_view first_word() const { return name.substr(0, name.find(' ')); }
  std::string_view second_word() const { return name.substr(first_word().size() + (name.size() > first_word().size() ? 1 : 0)); }
};

/// The name of the row that stands for a verb of each agent's name.
inline constexpr std::string_view kAnyAgent = "AGENT";

/// In the order of the list of commands.
std::span<const VerbRow> verbs_table();
const VerbRow& row_of(core::Verb verb);

}  // namespace jailed::cli
