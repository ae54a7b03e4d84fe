#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <string>
#include <vector>

namespace jailed::engine {

/// Reads what says which engine a client talks to: variables and files of docker and podman.
plan::EndpointFacts endpoint_facts(const core::Environment& environment);

/// Asks an engine on another machine what that is, once; of podman's also whether it is rootless and what it can
/// limit. One call; none for an engine of this machine. Throws core::Error when it does not answer.
void ask_remote_machine(plan::Engine& engine);

/// Its server's version, by one call. Throws core::Error when it does not answer, with what it says and what to do.
std::string ask_version(const plan::Engine& engine);

/// Throws core::Error where this engine cannot give a jail these directories: it is on another machine and no Mutagen
/// brings the project there (`synced`), nobody in its containers is the caller, or SELinux stands against it. No
/// engine is called.
void check_engine_here(const plan::Engine& engine, const std::vector<std::string>& mounted, const core::Settings& settings, bool synced,
                       const core::Environment& environment);

}  // namespace jailed::engine
