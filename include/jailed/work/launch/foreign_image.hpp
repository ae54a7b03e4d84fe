#pragma once
#include <jailed/plan/engine/choose.hpp>
#include <string>

namespace jailed::work {

/// Throws core::Error for an image that would have the OCI runtime do something (engine::check_annotations). Says so when the image is none that jailed built. An image called `jailed` (any tag, any registry) is taken for one and costs no
/// call of the engine; of another the engine is asked for the label that `jailed build` gives. The walls are the same for all.
void look_at_image(const plan::Engine& engine, const std::string& image);

}  // namespace jailed::work
