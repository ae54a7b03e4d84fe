#pragma once
#include <jailed/commands/project_shares.hpp>
#include <string>
#include <vector>

namespace jailed::commands {

/// plan::check_beside with the jails of this configuration that run, as far as their sessions tell; those left alone with --detach
/// count until `jailed ls` or `stop` has seen their end. `except`: a session that does not count, may be empty.
void check_beside_jails(const std::string& sessions, const std::string& project, bool mounted_parts, const std::string& except);

}  // namespace jailed::commands
