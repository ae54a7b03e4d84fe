#include <jailed/core/engine_call.hpp>
#include <jailed/host/process/death_watch.hpp>
#include <jailed/host/process/process.hpp>
#include <type_traits>

#include "catch.hpp"

using jailed::core::Command;
using jailed::core::EngineCall;
using jailed::core::shell_line;

namespace {

template <typename T>
concept can_be_run = requires(const T& one) { jailed::host::capture(one); };
template <typename T>
concept names_its_program = requires(const T& one) { one.program; } || requires(const T& one) { one.program_; };

// Outside of engine/ nothing makes a process of a call, or a command of its parts.
static_assert(can_be_run<Command> && !can_be_run<EngineCall>);
static_assert(names_its_program<Command> && !names_its_program<EngineCall>);
static_assert(!std::is_constructible_v<Command, EngineCall> && !std::is_convertible_v<EngineCall, Command>);
static_assert(std::is_constructible_v<jailed::host::Background, Command> && !std::is_constructible_v<jailed::host::Background, EngineCall>);
static_assert(std::is_constructible_v<jailed::host::DeathWatch, std::string, Command> &&
              !std::is_constructible_v<jailed::host::DeathWatch, std::string, EngineCall>);

}  // namespace

TEST_CASE("a call of an engine is shown as the command that it becomes", "[core]") {
  const EngineCall call("/usr/bin/docker", {"run", "a b"}, {{"TOKEN", "secret"}});
  CHECK(shell_line(call) == "TOKEN='***' /usr/bin/docker run 'a b'");
  CHECK(shell_line(call) == shell_line(Command{"/usr/bin/docker", {"run", "a b"}, {{"TOKEN", "secret"}}}));
  CHECK(call != EngineCall("/usr/bin/podman", {"run", "a b"}, {{"TOKEN", "secret"}}));
}
