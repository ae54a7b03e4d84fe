#include <jailed/plan/engine/traits.hpp>
#include <jailed/plan/jail/isolated_network.hpp>
#include <jailed/plan/settings/settings.hpp>

namespace jailed::plan {

std::string isolated_network(const Engine& engine) { return engine.rootless ? "" : traits_of(engine).isolation.network; }

bool can_be_isolated(const core::Settings& settings) {
  return settings.isolated && settings.testcontainers == core::Testcontainers::off && on_host_kernel(settings.sandbox);
}

bool lacks_isolated_network(const Engine& engine, std::string_view error) {
  const auto has = [&](std::string_view words) { return error.find(words) != std::string_view::npos; };
  const auto& isolation = traits_of(engine).isolation;
  return !engine.rootless && has(isolation.network) && has(isolation.not_found);
}

std::optional<core::EngineCall> create_isolated_network_command(const Engine& engine) {
  const auto words = traits_of(engine).isolation.make;
  if (words.empty()) return std::nullopt;
  return core::EngineCall{engine.program, {words.begin(), words.end()}, {}};
}

core::EngineCall look_for_isolation_command(const Engine& engine) {
  const auto words = traits_of(engine).isolation.look;
  return {engine.program, {words.begin(), words.end()}, {}};
}

bool says_isolation_is_there(const Engine& engine, std::string_view answer) { return answer.starts_with(traits_of(engine).isolation.found); }

}  // namespace jailed::plan
