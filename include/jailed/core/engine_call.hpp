#pragma once
#include <jailed/core/command.hpp>
#include <string>
#include <utility>
#include <vector>

namespace jailed::engine {
class Client;
}

namespace jailed::core {

/// A call of a container engine, as a value: planned, compared and shown everywhere, but a process it becomes in engine/
/// alone. What starts processes takes a Command, and of a call only the class in src/engine/client.hpp makes one, which no
/// other room can include.
class EngineCall {
 public:
  EngineCall(std::string program, std::vector<std::string> words, std::vector<EnvVar> variables)
      : args(std::move(words)), env(std::move(variables)), program_(std::move(program)) {}
  bool operator==(const EngineCall&) const = default;

  std::vector<std::string> args;
  std::vector<EnvVar> env;  // as in Command: for the client, never among its arguments

 private:
  friend class engine::Client;
  friend std::string shell_line(const EngineCall& call);
  std::string program_;
};

/// As of a Command.
std::string shell_line(const EngineCall& call);

}  // namespace jailed::core
