#pragma once
#include <jailed/core/engine_call.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace jailed::plan {

/// Whether the last component of the image's path is `jailed`: "jailed:latest", "registry.example.org/team/jailed:1".
bool is_named_jailed(std::string_view image);

/// Asks for the label that `jailed build` gives to what it builds, and whether the answer says that there is none.
core::EngineCall image_maker_command(const Engine& engine, const std::string& image);
bool is_foreign(std::string_view answer);

/// Asks for what the image would have the engine's OCI runtime do; nothing where that gets no annotations of images, and for the image that
/// `jailed build` makes here, which has none.
std::optional<core::EngineCall> image_annotations_command(const Engine& engine, const std::string& image);
/// Throws core::Error for an annotation that is not known to be a description.
void check_annotations(const Engine& engine, const std::string& image, std::string_view answer);

/// Asks which agents are in the image, and what of the answer is one of ours with a version: `jailed build` says them in a label.
core::EngineCall image_agents_command(const Engine& engine, const std::string& image);
std::map<std::string, std::string> parse_image_agents(std::string_view answer);

}  // namespace jailed::plan
