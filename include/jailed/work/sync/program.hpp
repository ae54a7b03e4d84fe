#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/sync/mutagen.hpp>
#include <optional>
#include <string>

namespace jailed::work {

/// Mutagen as it is installed here.
struct MutagenProgram {
  plan::Mutagen mutagen;
  std::string version;
  std::string podman;  // the engine's program, when that is podman
  std::string bundle;  // mutagen-agents.tar.gz
  std::string architecture;  // of the engine's machine, as Go spells it
  std::string agents;  // where its agent is unpacked for jails: <agents>/<version>/mutagen-agent
};

/// Nothing when it is not on PATH. Throws core::Error when it is and cannot be used.
///
/// Mutagen knows Docker only, and calls a program of that name. For podman it gets a daemon of its own, which
/// finds podman under that name (MUTAGEN_DOCKER_PATH, read by the daemon, 0.18.1) and keeps its sessions in
/// `$XDG_STATE_HOME/jailed/mutagen-podman`; no socket of podman's is needed.
std::optional<MutagenProgram> find_mutagen(const plan::Engine& engine, const core::Environment& environment);

/// Makes what it needs on disk, once: its agent, unpacked (a read-only jail cannot be given it in another
/// way: engines refuse to copy into it), and podman under docker's name.
void prepare_mutagen(const MutagenProgram& program);

}  // namespace jailed::work
