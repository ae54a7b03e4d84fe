#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <jailed/core/agent.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/environment.hpp>
#include <set>

namespace jailed::plan {
namespace {

bool matches(std::string_view pattern, std::string_view name) {
  return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : name == pattern;
}

bool is_agent_key(std::string_view name) {
  for (const auto& agent : core::agents()) {
    for (const auto key : agent.keys) {
      if (matches(key, name)) return true;
    }
  }
  return false;
}

bool comes_along(std::string_view name, bool agent_env) {
  static constexpr std::array<std::string_view, 4> always = {"TERM", "COLORTERM", "LANG", "TZ"};
  return std::find(always.begin(), always.end(), name) != always.end() || (agent_env && is_agent_key(name));
}

std::vector<core::EnvVar> home_constants(const core::Settings& settings) {
  const std::string home = "/home/" + settings.user;
  std::vector<core::EnvVar> variables = {{"HOME", home}, {"USER", settings.user}, {"LOGNAME", settings.user}};
  const auto add = [&](const core::HomeVariable& variable) {
    variables.push_back({std::string(variable.name), fmt::format("{}/{}", home, variable.home_path)});
  };
  for (const auto& variable : core::cache_variables()) add(variable);
  for (const auto& agent : core::agents()) {
    for (const auto& variable : agent.home_variables) add(variable);
  }
  return variables;
}

void forget(EnvPlan& plan, const std::string& name) {
  std::erase_if(plan.constants, [&](const auto& variable) { return variable.name == name; });
  std::erase_if(plan.child_env, [&](const auto& variable) { return variable.name == name; });
  std::erase_if(plan.file, [&](const auto& variable) { return variable.name == name; });
  std::erase(plan.names, name);
}

}  // namespace

bool is_env_entry(std::string_view entry) {
  const auto name = entry.substr(0, entry.find('='));
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

bool engine_obeys(std::string_view name) {
  static constexpr std::string_view patterns[] = {
      "DOCKER_*", "BUILDKIT_*", "CONTAINER*",    "_CONTAINERS_*", "PODMAN_*", "STORAGE_*",
      "REGISTR*", "SSL_CERT_*", "SSH_AUTH_SOCK", "XDG_*",         "PATH",     "HOME",
      "TMPDIR",   "NO_COLOR",   "DBUS_*",        "NOTIFY_SOCKET", "LISTEN_*", "LD_*",
      "GLIBC_*",  "GODEBUG",    "GOTRACEBACK",   "GOMAXPROCS",    "GOGC",     "GOMEMLIMIT"};
  if (std::any_of(std::begin(patterns), std::end(patterns),
                  [&](auto pattern) { return matches(pattern, name); }))
    return true;
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper.ends_with("_PROXY");
}

EnvPlan jail_environment(const core::Settings& settings, const core::Environment& host,
                         std::string_view time_zone) {
  EnvPlan plan;
  plan.constants = home_constants(settings);
  if (!time_zone.empty() && !host.get("TZ")) plan.constants.push_back({"TZ", std::string(time_zone)});
  for (const auto& [name, value] : host.all()) {
    if (!value.empty() && comes_along(name, settings.agent_env)) plan.names.push_back(name);
  }
  for (const auto& entry : settings.env) {
    const auto equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    forget(plan, name);
    if (equals == std::string::npos) {
      if (host.all().contains(name)) plan.names.push_back(name);
      continue;
    }
    const std::string value = entry.substr(equals + 1);
    if (!engine_obeys(name)) {
      plan.names.push_back(name);
      plan.child_env.push_back({name, value});
    } else if (value.find('\n') == std::string::npos) {
      plan.file.push_back({name, value});
    } else {
      throw core::UsageError(fmt::format("--env: {} cannot have a value with a line break.", name),
                             "the engine reads this name itself, so its value has to go by a file of lines");
    }
  }
  return plan;
}

}  // namespace jailed::plan
