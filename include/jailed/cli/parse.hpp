#pragma once
#include <jailed/commands/commands.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/build/build.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::cli {

/// What the command line asks for.
struct Invocation {
  enum class Verb {
    launch,
    build,
    list,
    stop,
    shell,
    exec,
    logs,
    attach,
    detach,
    sync_status,
    sync_flush,
    sync_recover,
    git,
    version,
    help
  } verb = Verb::launch;
  core::Options options;
  plan::BuildOptions build;
  commands::GitRequest git;
  std::string help;                  // the text for Verb::help
  std::optional<std::string> meant;  // PATH looks like this command, misspelt
};

/// `arguments` without the program's name. What follows a `--` is the command's, untouched. A first word that
/// is a subcommand is one. Throws core::UsageError with the nearest known option or command.
Invocation parse(std::vector<std::string> arguments);

}  // namespace jailed::cli
