#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/invocation.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/work/launch/places.hpp>
#include <optional>
#include <string>

namespace jailed::commands {

/// `--reuse`: runs the command in the jail that runs around just these projects, and gives its exit status; nothing
/// when there is none. One engine call where the session directories know the jail, no new container. Throws
/// core::UsageError when there are several.
std::optional<int> reuse(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment,
                         const work::Places& places);

}  // namespace jailed::commands
