#pragma once
#include <chrono>
#include <jailed/core/engine_call.hpp>
#include <jailed/host/process/process.hpp>
#include <optional>
#include <string>

namespace jailed::engine {

/// The one place where a call of an engine becomes a process. Not among the headers that other rooms see.
class Client {
 public:
  static core::Command command(const core::EngineCall& call) { return {call.program_, call.args, call.env}; }

  /// As the functions of their names in host.
  static host::Captured capture(const core::EngineCall& call, std::chrono::seconds patience = host::kAnswerPatience) {
    return host::capture(command(call), patience);
  }
  static host::Captured ask_shielded(const core::EngineCall& call, std::chrono::seconds patience = host::kAnswerPatience) {
    return host::ask_shielded(command(call), patience);
  }
  static host::Captured capture_shielded(const core::EngineCall& call) { return host::capture_shielded(command(call)); }
  static std::optional<host::Captured> capture_shielded(const core::EngineCall& call, std::chrono::milliseconds patience) {
    return host::capture_shielded(command(call), patience);
  }
};

/// What an engine says against it; empty when all is well.
inline std::string said_against(const host::Captured& captured) {
  if (captured.status.ok()) return {};
  return captured.err.empty() ? "no reason" : captured.err;
}

}  // namespace jailed::engine
