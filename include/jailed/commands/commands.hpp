#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/build/build.hpp>
#include <string>

namespace jailed::commands {

/// One function a subcommand: probe, plan, execute, report. Each returns the exit code for main and throws
/// core::Error for what ends it early.

/// `jailed [PATH] [-- COMMAND]`
int launch(const core::Options& options, const core::Environment& environment);

/// `jailed build`
int build(const core::Options& options, const plan::BuildOptions& build_options,
          const core::Environment& environment);

/// `jailed ls`, `stop`, `shell`, `exec`, `sync status|flush|recover`: jails that are there.
int list(const core::Options& options, const core::Environment& environment);
int stop(const core::Options& options, const core::Environment& environment);
int shell(const core::Options& options, const core::Environment& environment);
int exec(const core::Options& options, const core::Environment& environment);
int logs(const core::Options& options, const core::Environment& environment);
int sync_status(const core::Options& options, const core::Environment& environment);
int sync_flush(const core::Options& options, const core::Environment& environment);
int sync_recover(const core::Options& options, const core::Environment& environment);
/// `jailed attach [JAIL] PATH`, `jailed detach [JAIL] NAME`: a further project for a running jail, or one fewer.
int attach(const core::Options& options, const core::Environment& environment);
int detach(const core::Options& options, const core::Environment& environment);
/// `jailed git import|log|drop [SESSION]`
struct GitRequest {
  std::string action;
  std::string session;  // empty: all of them
};
int git(const GitRequest& request, const core::Options& options, const core::Environment& environment);

}  // namespace jailed::commands
