#pragma once
#include <jailed/engine/run.hpp>
#include <jailed/plan/jail/jail.hpp>

namespace jailed::work {

/// Says why a jail's command was killed, as far as anybody knows. The engine is asked only when the command ended like one
/// that the kernel kills for memory.
void say_if_killed(const plan::Engine& engine, const plan::Jail& jail, const engine::JailEnd& end);

}  // namespace jailed::work
