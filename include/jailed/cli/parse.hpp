#pragma once
#include <jailed/core/invocation.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::cli {

/// `arguments` without the program's name. What follows a `--` is the command's, untouched. A first word that
/// is a verb is one. Throws core::UsageError with the nearest known option or command.
core::Invocation parse(std::vector<std::string> arguments);

/// The help of the verb whose first word this is; jailed's own for an empty one.
std::string help_text(std::string_view word);

/// The verb that a word looks like, misspelt.
std::optional<std::string> verb_meant(const std::string& word);

}  // namespace jailed::cli
