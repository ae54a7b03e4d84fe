#include <unistd.h>

#include <jailed/commands/find_engine.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/process.hpp>

namespace jailed::commands {

plan::Engine find_engine(const core::Settings& settings, const core::Environment& environment) {
  plan::EnginePrograms found{
      host::find_program("docker", environment), host::find_program("podman", environment), {}};
  if (settings.runtime && host::is_executable_file(settings.runtime->value)) {
    std::string reason;
    found.named = settings.runtime->value.starts_with('/')
                      ? settings.runtime->value
                      : host::canonical(".", reason) + "/" + settings.runtime->value;
  }
  return plan::choose_engine(settings.runtime, found, ::geteuid() == 0);
}

}  // namespace jailed::commands
