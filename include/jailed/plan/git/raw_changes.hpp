#pragma once
#include <string_view>
#include <utility>
#include <vector>

namespace jailed::plan {

/// What `git diff-tree --raw -z` without renames says: for each change ":100644 160000 1f.. 00.. D" and the path. Looks into `raw`.
std::vector<std::pair<std::string_view, std::string_view>> raw_changes(std::string_view raw);

}  // namespace jailed::plan
