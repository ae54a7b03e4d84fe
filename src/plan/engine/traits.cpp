#include <array>
#include <jailed/plan/engine/kinds.hpp>
#include <utility>

namespace jailed::plan {
namespace {

struct Row {
  EngineKind kind;
  const Traits& (*traits)();
};

// A kind of engine more is a row more, and a folder beside the others.
constexpr std::array kRows{Row{EngineKind::docker, docker_traits}, Row{EngineKind::podman, podman_traits}};

}  // namespace

const Traits& traits_of(const Engine& engine) {
  for (const auto& row : kRows) {
    if (row.kind == engine.kind) return row.traits();
  }
  return kRows.front().traits();
}

std::vector<const Traits*> all_traits() {
  std::vector<const Traits*> all;
  for (const auto& row : kRows) all.push_back(&row.traits());
  return all;
}

std::optional<Engine> engine_named(std::string_view name, std::string program, bool caller_is_root) {
  for (const auto& row : kRows) {
    if (row.traits().name == name) return Engine{row.kind, std::move(program), row.traits().rootless && !caller_is_root};
  }
  return std::nullopt;
}

}  // namespace jailed::plan
