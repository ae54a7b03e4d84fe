#include <spdlog/spdlog.h>

#include <jailed/core/error.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/work/launch/killed.hpp>

namespace jailed::work {
void say_if_killed(const plan::Engine& engine, const plan::Jail& jail, const engine::JailEnd& end) {
  if (end.stopped) return;  // by jailed itself, which was asked to end
  constexpr int kKilled = 128 + 9;
  auto memory = plan::OutOfMemory::unknown;
  try {
    if (end.status == core::ExitStatus::exited(kKilled)) memory = engine::out_of_memory(engine, plan::container_name(jail));
  } catch (const core::Error&) {
    // Not asked, then.
  }
  if (const auto hint = plan::killed_hint(end.status, engine, jail.limits, memory)) spdlog::warn("{}", *hint);
}

}  // namespace jailed::work
