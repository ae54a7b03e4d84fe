#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/agent.hpp>
#include <jailed/core/annotation.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/engine/answer.hpp>
#include <jailed/plan/engine/foreign_image.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <jailed/plan/list/claims.hpp>

namespace jailed::plan {

bool is_named_jailed(std::string_view image) {
  image = image.substr(0, image.find('@'));
  image.remove_prefix(image.rfind('/') + 1);  // npos + 1 is 0
  return image.substr(0, image.find(':')) == "jailed";
}

core::EngineCall image_maker_command(const Engine& engine, const std::string& image) {
  return {engine.program, {"image", "inspect", "--format", "{{index .Config.Labels \"jailed.version\"}}", image}, {}};
}

std::optional<core::EngineCall> image_annotations_command(const Engine& engine, const std::string& image) {
  const auto* format = traits_of(engine).answers.annotations_format;
  const auto slash = image.rfind('/');
  const bool own = is_named_jailed(image) && (slash == std::string::npos || image.substr(0, slash) == "localhost");
  if (format == nullptr || own) return std::nullopt;
  return core::EngineCall{engine.program, {"image", "inspect", "--format", format, image}, {}};
}

void check_annotations(const Engine& engine, const std::string& image, std::string_view answer) {
  const auto annotations = parse_answer(answer);
  if (annotations.is_null()) return;
  if (!annotations.is_object())
    throw core::Error(fmt::format("{} does not say clearly which annotations the image '{}' has.", engine.program, core::printable(image)));
  for (const auto& [name, value] : annotations.items()) {
    if (core::only_describes(name)) continue;
    throw core::Error(fmt::format("The image '{}' has the annotation '{}', which {} hands to the OCI runtime: the walls would not be the same.", core::printable(image),
                                  shown_answer(name), traits_of(engine).title),
                      fmt::format("a copy of it without annotations: printf 'FROM %s\\nLABEL copied=yes\\n' {} | {} build --format docker --tag NAME -", core::shell_quote(image), engine.program));
  }
}

bool is_foreign(std::string_view answer) {
  while (answer.ends_with('\n')) answer.remove_suffix(1);
  return answer.empty() || answer == "<no value>";
}

core::EngineCall image_agents_command(const Engine& engine, const std::string& image) {
  return {engine.program, {"image", "inspect", "--format", "{{index .Config.Labels \"jailed.agents\"}}", image}, {}};
}

std::map<std::string, std::string> parse_image_agents(std::string_view answer) {
  std::map<std::string, std::string> versions;
  for (const auto word : core::words(answer, " \n")) {
    const auto equals = std::min(word.find('='), word.size());
    const auto version = word.substr(std::min(equals + 1, word.size()));
    if (core::find_agent(word.substr(0, equals)) != nullptr && core::is_version(version)) versions.emplace(word.substr(0, equals), version);
  }
  return versions;
}

}  // namespace jailed::plan
