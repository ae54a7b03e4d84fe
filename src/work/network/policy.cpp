#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <jailed/core/agent.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/addresses.hpp>
#include <jailed/plan/network/sets.hpp>
#include <jailed/plan/network/standing.hpp>
#include <jailed/work/network/network.hpp>

namespace jailed::work {
namespace {

using plan::AllowedHost;
using plan::HostRule;
using plan::NetworkPolicy;

constexpr std::size_t kLongestSettings = std::size_t{1} << 20;

void add_hosts(NetworkPolicy& policy, const std::vector<HostRule>& hosts, std::string_view origin) {
  for (const auto& host : hosts) {
    const auto is_it = [&](const AllowedHost& other) { return other.host == host; };
    if (std::none_of(policy.allow.begin(), policy.allow.end(), is_it)) policy.allow.push_back({host, std::string(origin)});
  }
}

// What the tools here are told to ask, for a jail that is told the same; what they ask by themselves the image knows.
void add_registries(NetworkPolicy& policy, const core::Environment& environment) {
  policy.registries = true;
  add_hosts(policy, plan::registries_in(environment), "packages");
  const auto home = environment.get("HOME");
  for (const auto& file : plan::registry_files()) {
    const bool absolute = file.path.starts_with('/');
    if (!absolute && !home) continue;
    const auto path = absolute ? std::string(file.path) : fmt::format("{}/{}", *home, file.path);
    if (const auto text = host::read_file(path, kLongestSettings)) add_hosts(policy, plan::registries_in(file, *text), "packages");
  }
}

void add_remotes(NetworkPolicy& policy, const std::vector<std::string>& repositories) {
  for (const auto& repository : repositories) {
    if (const auto text = host::read_below(repository, "config", kLongestSettings)) add_hosts(policy, plan::remote_hosts(*text), "git");
  }
}

void add_standing(NetworkPolicy& policy, const PolicySources& sources) {
  const auto file = standing_rules_file(sources.config);
  if (!host::lstat_of(file)) return;
  const auto text = host::read_file(file, kLongestSettings);
  if (!text) throw core::Error(fmt::format("{} cannot be read.", core::printable(file)), "put it right, or remove it");
  const auto rules = plan::standing_rules(*text, sources.project, file);
  add_hosts(policy, rules.allow, "network.json");
  policy.deny.insert(policy.deny.end(), rules.deny.begin(), rules.deny.end());
}

}  // namespace

std::string standing_rules_file(const std::string& config) { return config + "/network.json"; }

NetworkPolicy policy_for(const core::Settings& settings, const PolicySources& sources) {
  NetworkPolicy policy;
  policy.observe = settings.network == core::Network::observe;
  policy.addresses = host::own_addresses();
  for (const auto& given : settings.allow_hosts) add_hosts(policy, {plan::parse_host_rule(given.value, given.set_by)}, given.set_by);
  for (const auto& given : settings.deny_hosts) policy.deny.push_back(plan::parse_host_rule(given.value, given.set_by));
  add_standing(policy, sources);
  for (const auto& set : settings.allow_sets.empty() ? plan::sets_for(sources.command) : settings.allow_sets) {
    if (set == "packages")
      add_registries(policy, sources.environment);
    else if (set == "git")
      add_remotes(policy, sources.repositories);
    else
      add_hosts(policy, plan::agent_hosts(set), set);
  }
  return policy;
}

}  // namespace jailed::work
