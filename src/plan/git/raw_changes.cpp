#include <jailed/core/fields.hpp>
#include <jailed/plan/git/raw_changes.hpp>

namespace jailed::plan {

std::vector<std::pair<std::string_view, std::string_view>> raw_changes(std::string_view raw) {
  std::vector<std::pair<std::string_view, std::string_view>> changes;
  while (!raw.empty()) {
    const auto header = core::take_part(raw, '\0');
    changes.emplace_back(header, core::take_part(raw, '\0'));
  }
  return changes;
}

}  // namespace jailed::plan
