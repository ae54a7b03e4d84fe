#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/plan/network/policy.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// Sets of hosts by name: one an agent, `packages`, `git`.

/// A file of the host that says which registries a tool asks, below the home unless its path begins with '/'.
struct RegistryFile {
  std::string_view tool;
  std::string_view path;
  /// What a line has to begin with, when blanks are left out and letters are in lower case; '*' at the beginning: after anything that
  /// has no '='. An element of XML stands for every one of it.
  std::vector<std::string_view> keys;
};
const std::vector<RegistryFile>& registry_files();

/// The hosts of the registries in the text of such a file. Comments are none.
std::vector<HostRule> registries_in(const RegistryFile& file, std::string_view text);

/// Those that variables name (GOPROXY, PIP_INDEX_URL …).
std::vector<HostRule> registries_in(const core::Environment& environment);

/// The hosts of the remotes in a repository's configuration file; of those by ssh the same host by https, as nothing else leaves a jail.
std::vector<HostRule> remote_hosts(std::string_view git_config);

/// The hosts of an agent's own services. Empty for a name that is no agent's.
std::vector<HostRule> agent_hosts(std::string_view agent);

/// Names that --allow-set takes: agents, packages, git.
std::vector<std::string> network_sets();

/// Those of a launch when none is named: the agent that `command` starts, all of them when it starts none; packages and git.
std::vector<std::string> sets_for(const std::vector<std::string>& command);

}  // namespace jailed::plan
