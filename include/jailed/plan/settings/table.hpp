#pragma once
#include <jailed/core/invocation.hpp>
#include <jailed/core/settings.hpp>
#include <span>
#include <string>
#include <string_view>

namespace jailed::plan {

/// What stands behind a flag: nothing, a value, one with each use of the flag, or `=VALUE` or nothing.
enum class Takes { nothing, value, values, value_or_nothing };

/// Whether a file that comes with a project may set it for everybody who opens the project: not at all, once the user
/// has agreed to it, by itself.
enum class ByProject { no, ask, yes };

/// One setting: the command line, its help, the environment, `.env.example` and docs/settings.md are read from here.
struct Setting {
  std::string_view name;  // the flag without its dashes
  char letter = '\0';     // the short flag
  Takes takes = Takes::value;
  std::string_view placeholder = {};  // of the value, in the help
  std::string_view variable = {};     // a setting without one is of one call only, and has no key either
  char between = '\0';                // what stands between several values in the variable
  std::string_view group;             // the headline under which it stands
  std::string_view help;              // one line; {agents} and {toolchains} become their names (help_of)
  std::string_view more = {};         // what the pages say beside that
  std::string_view standard = {};     // the default as one could write it
  std::string_view otherwise = {};    // the default in words, where it cannot be written
  std::string_view choices = {};      // words, of which the value is one; it may be others, too, where not all are known
  core::Verbs verbs;                  // that take the flag
  ByProject by_project = ByProject::no;
  void (*set)(core::Settings& settings, const core::Named& given);  // throws UsageError, which names who set it

  /// In files of settings; empty: it is of one call only.
  std::string_view key() const { return variable.empty() ? std::string_view{} : name; }
};

/// In the order of the help.
std::span<const Setting> settings_table();

/// Null for a name that no setting has.
const Setting* find_setting(std::string_view name);

/// The help of a setting, complete.
std::string help_of(const Setting& setting);

/// The same with the default in brackets.
std::string help_line(const Setting& setting);

/// "-e,--env", as CLI11 wants it.
std::string flag_names(const Setting& setting);

}  // namespace jailed::plan
