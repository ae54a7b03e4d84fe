#pragma once
#include <string>
#include <vector>

namespace jailed::core {

/// Lines with a cell below the other, each column as wide as its widest cell, two blanks between them and none at the end. Every row
/// has as many cells as the first.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace jailed::core
