#pragma once
#include <jailed/core/settings.hpp>
#include <jailed/engine/words/failure.hpp>
#include <optional>
#include <string_view>

namespace jailed::engine {

/// Reads an engine's answer to a `--sandbox` that it does not know, or to a default runtime that cannot mount the lease; nothing
/// when the text is about something else. Texts: docker 20.10 and 28, podman 4.3, runsc 20221219.
std::optional<Failure> recognise_sandbox_failure(const plan::Engine& engine, std::string_view text,
                                                 const std::optional<core::Named>& sandbox);

}  // namespace jailed::engine
