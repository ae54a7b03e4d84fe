#pragma once
#include <jailed/plan/engine/choose.hpp>
#include <string>

namespace jailed::engine {

/// Whether the network on which no other container reaches a jail can be had (plan::isolated_network).
bool has_isolated_network(const plan::Engine& engine);

/// How the making of the one for all jails ended.
struct NetworkMade {
  bool made = false;
  bool was_there = false;  // another launch was faster
  std::string said;        // by the engine, against it
};

/// For an engine that has one for all jails (plan::create_isolated_network_command).
NetworkMade make_isolated_network(const plan::Engine& engine);

}  // namespace jailed::engine
