#include <jailed/plan/engine/foreign_image.hpp>

namespace jailed::plan {

bool is_named_jailed(std::string_view image) {
  image = image.substr(0, image.find('@'));
  image.remove_prefix(image.rfind('/') + 1);  // npos + 1 is 0
  return image.substr(0, image.find(':')) == "jailed";
}

core::EngineCall image_maker_command(const Engine& engine, const std::string& image) {
  return {engine.program, {"image", "inspect", "--format", "{{index .Config.Labels \"jailed.version\"}}", image}, {}};
}

bool is_foreign(std::string_view answer) {
  while (answer.ends_with('\n')) answer.remove_suffix(1);
  return answer.empty() || answer == "<no value>";
}

}  // namespace jailed::plan
