#include <jailed/core/engine_call.hpp>

namespace jailed::core {

std::string shell_line(const EngineCall& call) { return shell_line(Command{call.program_, call.args, call.env}); }

}  // namespace jailed::core
