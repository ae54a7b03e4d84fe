#pragma once
#include <span>
#include <string_view>
#include <vector>

namespace jailed::core {

/// A directory in which an agent keeps state: `<config>/agents/<name>` on the host, `~/<home_path>` in the
/// jail.
struct StateDir {
  std::string_view name;
  std::string_view home_path;
};

/// A variable whose value is a path below the jail's home.
struct HomeVariable {
  std::string_view name;
  std::string_view home_path;
};

/// A file below `<config>/agents` that holds a login, and nothing that could be run.
struct LoginFile {
  std::string_view path;
  /// JSON in which a login may renew itself by a token that is good for one use, so that it lives in one place only.
  bool renews_itself = false;
  std::string_view keeps = {};  // of such a file: the key that is a login all by itself; empty: any
};

/// How an agent is started by its name (plan/agent/call).
struct AgentStart {
  std::vector<std::string_view> no_questions;           // the jail is its sandbox
  std::vector<std::string_view> resume;                 // goes on with the last talk of this project
  std::vector<std::string_view> headless;               // before a prompt: a subcommand or a switch
  std::vector<std::string_view> headless_no_questions;  // likewise, then
  std::string_view prompt_option = {};                  // with its =; empty: the prompt stands behind --
};

/// One agent. Adding an eighth: docs/extending.md.
struct Agent {
  std::string_view name;
  std::string_view title;
  std::string_view package;  // its name in the lock file docker/agents/<name>
  std::vector<StateDir> state;
  std::vector<HomeVariable> home_variables;
  AgentStart start;
  std::string_view log_in;  // the command
  std::vector<LoginFile> logins;
  std::vector<std::string_view> keys;  // variables that its vendor documents; a trailing * matches the rest
  /// What it talks to, as `--network restricted` lets it: its vendor's services, or those of the providers that its keys are for.
  std::vector<std::string_view> hosts = {};
};

std::span<const Agent> agents();
const Agent* find_agent(std::string_view name);

/// Toolchains that `jailed build --toolchains` knows.
std::span<const std::string_view> toolchains();

/// Caches of the toolchains, all below ~/.cache, which is <config>/cache.
std::span<const HomeVariable> cache_variables();

}  // namespace jailed::core
