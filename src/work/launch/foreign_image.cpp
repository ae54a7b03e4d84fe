#include <spdlog/spdlog.h>

#include <jailed/core/command.hpp>
#include <jailed/engine/images.hpp>
#include <jailed/plan/engine/foreign_image.hpp>
#include <jailed/work/launch/foreign_image.hpp>

namespace jailed::work {

void look_at_image(const plan::Engine& engine, const std::string& image) {
  engine::check_annotations(engine, image);
  if (plan::is_named_jailed(image)) return;
  // An engine that cannot say will not start it either, and then says why.
  if (!engine::is_foreign_image(engine, image)) return;
  spdlog::warn("Image '{}' was not built by jailed: what is in it, nobody here has looked at. The walls around it are the same.",
               core::printable(image));
}

}  // namespace jailed::work
