#pragma once
#include <string>
#include <vector>

namespace jailed::cli {

/// The whole program: parses, runs the subcommand, turns errors into messages. Returns the exit code.
int run(std::vector<std::string> arguments);

}  // namespace jailed::cli
