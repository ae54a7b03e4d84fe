#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::core {

/// What jailed can be asked to do; cli/verbs has the table.
enum class Verb {
  launch,
  build,
  list,
  shell,
  exec,
  logs,
  stop,
  attach,
  detach,
  sync_status,
  sync_flush,
  sync_recover,
  git,
  network_log,
  network_check,
  network_allow,
  network_deny,
  network_suggest,
  version,
  help,
  print_tables,
  agent,
  agents,
  login,
  completion,
  doctor,
  complete
};

/// Some of the verbs.
class Verbs {
 public:
  constexpr Verbs(std::initializer_list<Verb> verbs) {
    for (const auto verb : verbs) bits_ |= bit(verb);
  }
  constexpr bool has(Verb verb) const { return (bits_ & bit(verb)) != 0; }
  constexpr Verbs operator|(Verbs other) const {
    other.bits_ |= bits_;
    return other;
  }

 private:
  static constexpr std::uint32_t bit(Verb verb) { return std::uint32_t{1} << static_cast<unsigned>(verb); }
  std::uint32_t bits_ = 0;
};

/// A value that somebody gave a setting. `set_by` is for messages: "--memory", "JAILED_MEMORY".
struct Given {
  std::string setting;
  std::string value;
  std::string set_by;
  bool operator==(const Given&) const = default;
};

/// What the command line asks for, as it was written: nothing of it is checked yet.
struct Invocation {
  Verb verb = Verb::launch;
  std::vector<std::string> words = {};    // projects, jails, a session: what the verb is about
  std::vector<std::string> command = {};  // what followed --
  std::vector<Given> given = {};          // a setting that takes several values has one for each
  std::string agent = {};                 // Verb::agent: whose name was the verb

  /// The first word; empty when there is none.
  std::string word() const { return words.empty() ? std::string() : words.front(); }
};

}  // namespace jailed::core
