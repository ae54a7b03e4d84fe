#pragma once
#include <functional>
#include <jailed/core/environment.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/build/build.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace jailed::engine {

/// Whether the engine says that it has the image.
bool has_image(const plan::Engine& engine, const std::string& image);

/// Whether the engine says that the image is none that jailed built.
bool is_foreign_image(const plan::Engine& engine, const std::string& image);

/// Throws core::Error for an image that would have the engine's OCI runtime do something (plan::check_annotations). An engine that cannot
/// say will not start it either.
void check_annotations(const plan::Engine& engine, const std::string& image);

/// Agent -> version, as the image's label has it; nothing when there is no such image, or no such engine.
std::optional<std::map<std::string, std::string>> agents_of_image(const plan::Engine& engine, const std::string& image);

/// Builds an image in one call; lines and ticks as host::run_with_lines has them.
host::LoggedResult build_image(const plan::Engine& engine, const plan::BuildRequest& request, const plan::BuildCall& call,
                               const core::Environment& environment, const std::function<void(std::string_view)>& on_line,
                               const std::function<void()>& on_tick);

/// Best effort: an image that a container has stays.
void remove_build(const plan::Engine& engine, const std::string& id);

}  // namespace jailed::engine
