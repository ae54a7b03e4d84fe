#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <jailed/core/agent.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/jail/caller_context.hpp>
#include <jailed/plan/settings/environment.hpp>
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
  // What tells programs which keys, colours and pictures the terminal has, who looks at it, and how long a page is.
  static constexpr std::string_view always[] = {
      "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "LC_TERMINAL", "LC_TERMINAL_VERSION", "COLORFGBG", "VTE_VERSION",
      "KONSOLE_VERSION", "WT_SESSION", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI", "LESS"};
  return std::find(std::begin(always), std::end(always), name) != std::end(always) ||
         (agent_env && is_agent_key(name));
}

bool is_locale_category(std::string_view name) {
  static constexpr std::string_view categories[] = {
      "LANG",           "LC_ALL",     "LC_ADDRESS",  "LC_COLLATE", "LC_CTYPE", "LC_IDENTIFICATION", "LC_MEASUREMENT",
      "LC_MESSAGES",    "LC_MONETARY", "LC_NAME",    "LC_NUMERIC", "LC_PAPER", "LC_TELEPHONE",      "LC_TIME"};
  return std::find(std::begin(categories), std::end(categories), name) != std::end(categories);
}

// A locale that is missing makes perl and bash complain at each start. Its characters are what matters: the image has
// no translations.
void add_locale(EnvPlan& plan, const std::string& name, std::string_view value) {
  if (image_locale(value)) {
    plan.names.push_back(name);
  } else if (name == "LANG" || name == "LC_ALL" || name == "LC_CTYPE") {
    plan.constants.push_back({name, "C.UTF-8"});
  }
}

constexpr std::string_view kProxies[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ftp_proxy", "FTP_PROXY", "all_proxy", "ALL_PROXY"};

// [scheme://][user[:password]@]host[:port][/]
std::string_view authority_of(std::string_view proxy) {
  if (const auto scheme = proxy.find("://"); scheme != std::string_view::npos) proxy.remove_prefix(scheme + 3);
  return proxy.substr(0, proxy.find_first_of("/?#"));
}

bool is_of_this_machine(std::string_view authority) {
  auto host = authority.substr(authority.rfind('@') + 1);
  if (host.starts_with('[')) return host.starts_with("[::1]") || host.starts_with("[::ffff:127.");
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host.ends_with(".localhost") || host == "0.0.0.0" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

// Why a proxy of the caller's is none for a jail; nothing when it is.
std::optional<std::string_view> why_no_proxy(std::string_view proxy) {
  const auto authority = authority_of(proxy);
  if (authority.find('@') != std::string_view::npos) return "it has a name or a password in it";
  if (is_of_this_machine(authority)) return "no jail reaches the loopback of this machine";
  return std::nullopt;
}

// By jailed and not by the engines: podman would hand over whatever is set, docker nothing.
void add_proxies(EnvPlan& plan, const core::Environment& host) {
  bool any = false;
  for (const auto name : kProxies) {
    const auto value = host.get(std::string(name));
    if (!value || value->empty() || why_no_proxy(*value)) continue;
    plan.names.emplace_back(name);
    any = true;
  }
  for (const std::string name : {"no_proxy", "NO_PROXY"}) {
    if (any && !host.get(name).value_or("").empty()) plan.names.push_back(name);
  }
}

// What the caller's surroundings have set, as it comes or as the image's nearest to it.
void add_surroundings(EnvPlan& plan, const core::Environment& host, std::string_view time_zone, bool agent_env) {
  for (const auto& [name, value] : host.all()) {
    if (value.empty()) continue;
    if (is_locale_category(name)) {
      add_locale(plan, name, value);
    } else if (name == "TERM" && !image_has_terminal(value)) {
      plan.constants.push_back({name, std::string(kSubstituteTerminal)});
    } else if (name == "TERM" || comes_along(name, agent_env)) {
      plan.names.push_back(name);
    } else if (name == "EDITOR") {
      if (const auto editor = image_editor(value)) plan.constants.push_back({name, std::string(*editor)});
    } else if (name == "TZ") {
      if (const auto zone = portable_time_zone(value, time_zone); zone == value) {
        plan.names.push_back(name);
      } else if (!zone.empty()) {
        plan.constants.push_back({name, zone});
      }
    }
  }
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
  add_surroundings(plan, host, time_zone, settings.agent_env);
  add_proxies(plan, host);
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

std::optional<std::string> find_key(const EnvPlan& plan, const std::vector<std::string_view>& keys) {
  auto names = plan.names;
  for (const auto* variables : {&plan.constants, &plan.child_env, &plan.file}) {
    for (const auto& one : *variables) names.push_back(one.name);
  }
  for (const auto key : keys) {
    const auto found = std::find_if(names.begin(), names.end(), [&](const auto& name) { return matches(key, name); });
    if (found != names.end()) return *found;
  }
  return std::nullopt;
}

std::vector<std::string> surroundings_notices(const core::Settings& settings, const core::Environment& host) {
  std::vector<std::string> notices;
  const auto is_set = [&](std::string_view name) {
    return std::any_of(settings.env.begin(), settings.env.end(),
                       [&](std::string_view entry) { return entry.substr(0, entry.find('=')) == name; });
  };
  if (const auto term = host.get("TERM"); term && !term->empty() && !image_has_terminal(*term) && !is_set("TERM"))
    notices.push_back(fmt::format("TERM={}: the image does not know this terminal, so it is {} in the jail.",
                                  core::printable(*term), kSubstituteTerminal));
  for (const auto name : kProxies) {
    const auto value = host.get(std::string(name));
    const auto why = value && !value->empty() && !is_set(name) ? why_no_proxy(*value) : std::nullopt;
    if (why) notices.push_back(fmt::format("{} stays outside: {}. To have it in the jail all the same: -e {}", name, *why, name));
  }
  return notices;
}

}  // namespace jailed::plan
