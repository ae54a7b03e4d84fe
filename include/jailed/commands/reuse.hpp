#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <optional>
#include <string>

namespace jailed::commands {

/// `--reuse`: runs the command in the jail that runs around `project`, and gives its exit status; nothing
/// when there is none. One engine call where the session directories know the jail, no new container. Throws
/// core::UsageError when there are several.
std::optional<int> reuse(const core::Options& options, const core::Environment& environment,
                         const std::string& project);

}  // namespace jailed::commands
