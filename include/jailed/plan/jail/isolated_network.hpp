#pragma once
#include <jailed/core/engine_call.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace jailed::plan {

/// The network on which no other container reaches a jail. Containers on docker's default bridge and on rootful podman's talk to each
/// other. Docker: a bridge with enable_icc=false, made once. Podman as root: a slirp4netns of each jail's own. Rootless podman
/// gives every container a network stack of its own anyway: empty.
std::string isolated_network(const Engine& engine);

/// Whether a jail with these settings is put there. Not with Testcontainers, whose containers are on the default bridge, and not
/// for an OCI runtime with a kernel of its own: whether it can use the name server of a network that docker made was not tried.
bool can_be_isolated(const core::Settings& settings);

/// Whether an engine's error says that the network, or the program that makes it, is not there.
bool lacks_isolated_network(const Engine& engine, std::string_view error);

/// Makes it where it is one for all jails; nothing where each has its own.
std::optional<core::EngineCall> create_isolated_network_command(const Engine& engine);

/// Asks for Docker's network, or for the slirp4netns that podman has found; whether the answer to a call that ended with 0 says that it
/// is there.
core::EngineCall look_for_isolation_command(const Engine& engine);
bool says_isolation_is_there(const Engine& engine, std::string_view answer);

}  // namespace jailed::plan
