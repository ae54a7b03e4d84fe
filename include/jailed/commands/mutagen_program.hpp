#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/plan/sync.hpp>
#include <optional>
#include <string>

namespace jailed::commands {

/// Mutagen as it is installed here.
struct MutagenProgram {
  plan::Mutagen mutagen;
  std::string version;
  std::string bundle;  // mutagen-agents.tar.gz
  std::string agents;  // where its agent is unpacked for jails: <agents>/<version>/mutagen-agent
};

/// Nothing when it is not on PATH. Throws core::Error when it is and cannot be used.
std::optional<MutagenProgram> find_mutagen(const core::Environment& environment);

/// Unpacks the agent unless that was done before. A read-only jail cannot be given it in another way: engines
/// refuse to copy into it.
void unpack_agent(const MutagenProgram& program);

}  // namespace jailed::commands
