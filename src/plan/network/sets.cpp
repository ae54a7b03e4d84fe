#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/agent.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/git/config.hpp>
#include <jailed/plan/network/sets.hpp>

namespace jailed::plan {
namespace {

constexpr const char* kRegistryVariables[] = {"NPM_CONFIG_REGISTRY", "npm_config_registry", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL",
                                              "UV_DEFAULT_INDEX",    "UV_INDEX",            "GOPROXY",       "GOSUMDB",             "CARGO_REGISTRY_DEFAULT"};

void add_all(std::vector<HostRule>& rules, std::vector<HostRule> more) {
  for (auto& rule : more) {
    if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.push_back(std::move(rule));
  }
}

std::string without_blanks(std::string_view line) {
  std::string text;
  std::copy_if(line.begin(), line.end(), std::back_inserter(text), [](char c) { return core::kBlanks.find(c) == std::string_view::npos; });
  return core::lower_case(text);
}

bool begins_with_key(std::string_view line, std::string_view key) {
  const auto text = without_blanks(line);
  if (!key.starts_with('*')) return text.starts_with(key);
  const auto at = text.find(key.substr(1));
  return at != std::string::npos && text.find('=') >= at;
}

std::vector<HostRule> in_elements(std::string_view text, std::string_view element) {
  std::vector<HostRule> rules;
  std::string bare(text);
  for (auto at = bare.find("<!--"); at != std::string::npos; at = bare.find("<!--", at)) {
    const auto end = bare.find("-->", at);
    bare.erase(at, end == std::string::npos ? end : end + 3 - at);
  }
  for (auto at = bare.find(element); at != std::string::npos; at = bare.find(element, at + 1))
    add_all(rules, hosts_of_urls(bare.substr(at, bare.find("</", at) - at)));
  return rules;
}

// "git@host:path" and "ssh://git@host/path": the host.
std::string ssh_host(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    if (!url.starts_with("ssh://") && !url.starts_with("git+ssh://")) return {};
    url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find('/'));
  } else {
    const auto colon = url.find(':');
    if (colon == std::string_view::npos || url.substr(0, colon).find('/') != std::string_view::npos) return {};
  }
  url = url.substr(url.find('@') == std::string_view::npos ? 0 : url.find('@') + 1);
  return core::lower_case(url.substr(0, url.find(':')));
}

}  // namespace

const std::vector<RegistryFile>& registry_files() {
  static const std::vector<RegistryFile> files = {
      {"npm", ".npmrc", {"registry=", "*:registry="}},
      {"npm", "/etc/npmrc", {"registry=", "*:registry="}},
      {"yarn", ".yarnrc.yml", {"npmregistryserver:"}},
      {"pip", ".config/pip/pip.conf", {"index-url=", "extra-index-url="}},
      {"pip", ".pip/pip.conf", {"index-url=", "extra-index-url="}},
      {"pip", "/etc/pip.conf", {"index-url=", "extra-index-url="}},
      {"uv", ".config/uv/uv.toml", {"index-url=", "url="}},
      {"cargo", ".cargo/config.toml", {"registry=", "index="}},
      {"cargo", ".cargo/config", {"registry=", "index="}},
      {"go", ".config/go/env", {"goproxy=", "gosumdb="}},
      {"maven", ".m2/settings.xml", {"<url>"}},
      {"apt", "/etc/apt/sources.list", {"deb"}},
      {"apt", "/etc/apt/sources.list.d/debian.sources", {"uris:"}},
      {"apt", "/etc/apt/sources.list.d/ubuntu.sources", {"uris:"}},
  };
  return files;
}

std::vector<HostRule> registries_in(const RegistryFile& file, std::string_view text) {
  std::vector<HostRule> rules;
  for (const auto key : file.keys) {
    if (key.starts_with('<')) {
      add_all(rules, in_elements(text, key));
      continue;
    }
    for (const auto whole : core::lines(text)) {
      const auto line = core::trimmed(whole);
      if (line.starts_with('#') || line.starts_with(';') || !begins_with_key(line, key)) continue;
      add_all(rules, hosts_of_urls(line));
    }
  }
  return rules;
}

std::vector<HostRule> registries_in(const core::Environment& environment) {
  std::vector<HostRule> rules;
  for (const auto* name : kRegistryVariables) add_all(rules, hosts_of_urls(environment.get(name).value_or("")));
  return rules;
}

std::vector<HostRule> remote_hosts(std::string_view git_config) {
  std::vector<HostRule> rules;
  for (const auto& setting : parse_git_config(git_config)) {
    if (setting.section != "remote" || (setting.key != "url" && setting.key != "pushurl")) continue;
    if (auto by_ssh = ssh_host(setting.value); is_host_name(by_ssh)) add_all(rules, {{std::move(by_ssh), false, kTlsPort}});
    add_all(rules, hosts_of_urls(setting.value));
  }
  return rules;
}

std::vector<HostRule> agent_hosts(std::string_view agent) {
  std::vector<HostRule> rules;
  const auto* found = core::find_agent(agent);
  if (found == nullptr) return rules;
  for (const auto host : found->hosts) rules.push_back(parse_host_rule(host, agent));
  return rules;
}

std::vector<std::string> network_sets() {
  std::vector<std::string> names;
  for (const auto& agent : core::agents()) names.emplace_back(agent.name);
  names.insert(names.end(), {"packages", "git"});
  return names;
}

std::vector<std::string> sets_for(const std::vector<std::string>& command) {
  auto sets = network_sets();
  const auto name = command.empty() ? std::string() : command.front().substr(command.front().rfind('/') + 1);
  if (core::find_agent(name) == nullptr) return sets;
  std::erase_if(sets, [&](const auto& set) { return core::find_agent(set) != nullptr && set != name; });
  return sets;
}

}  // namespace jailed::plan
