#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/settings/settings.hpp>
#include <jailed/plan/settings/table.hpp>
#include <string>
#include <string_view>

namespace jailed::plan {
namespace {

using core::Given;
using core::UsageError;

std::string standard_config_dir(const core::Environment& environment) {
  if (const auto base = environment.get("XDG_CONFIG_HOME"); base && base->starts_with('/')) return *base + "/jailed";
  if (const auto home = environment.get("HOME")) return *home + "/.config/jailed";
  throw UsageError("HOME is not set, so there is no place for jailed's configuration.",
                   "name one: JAILED_CONFIG_DIR=DIR or --config-dir DIR");
}

void add_variable(std::vector<Given>& given, const Setting& setting, std::string_view value) {
  const auto add = [&](std::string_view one) {
    given.push_back({std::string(setting.name), std::string(one), std::string(setting.variable)});
  };
  if (setting.between == '\0') return add(value);
  for (const auto one : core::parts(value, setting.between)) {
    if (!one.empty()) add(one);
  }
}

// True when this layer says something of the setting.
bool take(core::Settings& settings, const Setting& setting, const Layer& layer) {
  bool taken = false;
  for (const auto& [name, value, set_by] : layer.given) {
    if (name != setting.name) continue;
    if (layer.origin == Layer::Origin::project && setting.by_project == ByProject::no)
      throw UsageError(fmt::format("{}: a project may not set this for who opens it.", set_by));
    setting.set(settings, {value, set_by});
    settings.given.insert_or_assign(name, set_by);
    taken = true;
  }
  return taken;
}

}  // namespace

Layer variables_layer(const core::Environment& environment) {
  Layer layer{Layer::Origin::environment, {}};
  for (const auto& setting : settings_table()) {
    if (setting.variable.empty()) continue;
    if (const auto value = environment.get(std::string(setting.variable))) add_variable(layer.given, setting, *value);
  }
  return layer;
}

core::Settings resolve_settings(std::span<const Layer> layers, const core::Environment& environment) {
  core::Settings settings;
  for (const auto& setting : settings_table()) {
    for (const auto& layer : layers) {
      if (take(settings, setting, layer)) break;
    }
  }
  if (settings.config_dir.empty()) settings.config_dir = standard_config_dir(environment);
  if (settings.copy_logins && settings.profile.empty())
    throw UsageError("--copy-logins: there is no profile to copy them to.", "name one: --profile NAME");
  return settings;
}

core::Settings resolve_settings(const core::Invocation& invocation, const core::Environment& environment) {
  const Layer layers[] = {{Layer::Origin::command_line, invocation.given}, variables_layer(environment)};
  return resolve_settings(layers, environment);
}

core::Settings talk_settings(const core::Invocation& invocation) {
  core::Settings settings;
  for (const auto& [name, value, set_by] : invocation.given) {
    if (name == "quiet" || name == "verbose" || name == "log-file") find_setting(name)->set(settings, {value, set_by});
  }
  return settings;
}

}  // namespace jailed::plan
