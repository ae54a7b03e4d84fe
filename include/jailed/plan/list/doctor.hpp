#pragma once
#include <string>
#include <vector>

namespace jailed::plan {

/// One thing that was looked at.
struct Diagnosis {
  enum class State { ok, warn, fail };  // fail: no jail can start
  std::string subject;                  // "engine"
  State state = State::ok;
  std::string says;
  std::string fix = {};  // what to do, a step a line; empty: nothing is to be done
  bool operator==(const Diagnosis&) const = default;
};

/// Whether a jail could start.
bool is_well(const std::vector<Diagnosis>& findings);

/// A line each; fixes below, indented. Nothing in it moves a terminal's cursor.
std::string findings_text(const std::vector<Diagnosis>& findings);

/// docs/json.md describes it.
std::string findings_json(const std::vector<Diagnosis>& findings);

}  // namespace jailed::plan
