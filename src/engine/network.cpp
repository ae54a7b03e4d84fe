#include <jailed/engine/network.hpp>
#include <jailed/plan/jail/isolated_network.hpp>

#include "client.hpp"

namespace jailed::engine {

bool has_isolated_network(const plan::Engine& engine) {
  const auto said = Client::capture(plan::look_for_isolation_command(engine));
  return said.status.ok() && plan::says_isolation_is_there(engine, said.out);
}

NetworkMade make_isolated_network(const plan::Engine& engine) {
  const auto call = plan::create_isolated_network_command(engine);
  if (!call) return {};
  auto made = Client::capture(*call);
  if (made.status == core::ExitStatus::exited(0)) return {.made = true, .was_there = false, .said = {}};
  const bool was_there = made.err.find("already exists") != std::string::npos;
  return {.made = false, .was_there = was_there, .said = std::move(made.err)};
}

}  // namespace jailed::engine
