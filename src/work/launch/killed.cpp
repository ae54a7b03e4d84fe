#include <spdlog/spdlog.h>

#include <chrono>
#include <jailed/core/error.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/work/launch/killed.hpp>
#include <thread>

namespace jailed::work {
namespace {

constexpr auto kKilledPatience = std::chrono::seconds(3);
// Docker notes the kernel's word and the container's end by two threads, in either order.
constexpr auto kSecondLook = std::chrono::milliseconds(300);

plan::OutOfMemory ask_for_memory(const core::Command& command) {
  for (const bool again : {false, true}) {
    if (again) std::this_thread::sleep_for(kSecondLook);
    const auto answer = host::capture_shielded(command, kKilledPatience);
    if (!answer || !answer->status.ok()) return plan::OutOfMemory::unknown;
    if (answer->out.starts_with("oom")) return plan::OutOfMemory::yes;
  }
  return plan::OutOfMemory::unknown;
}

}  // namespace

void say_if_killed(const plan::Engine& engine, const plan::Jail& jail, const engine::JailEnd& end) {
  if (end.stopped) return;  // by jailed itself, which was asked to end
  constexpr int kKilled = 128 + 9;
  auto memory = plan::OutOfMemory::unknown;
  try {
    const auto command = plan::out_of_memory_command(engine, plan::container_name(jail));
    if (command && end.status == core::ExitStatus::exited(kKilled)) memory = ask_for_memory(*command);
  } catch (const core::Error&) {
    // Not asked, then.
  }
  if (const auto hint = plan::killed_hint(end.status, engine, jail.limits, memory)) spdlog::warn("{}", *hint);
}

}  // namespace jailed::work
