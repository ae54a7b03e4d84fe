#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/invocation.hpp>
#include <jailed/core/settings.hpp>

namespace jailed::commands {

/// One function a verb: probe, plan, execute, report. Each returns the exit code for main and throws core::Error for what
/// ends it early. `settings` is what the invocation and its surroundings come to.

/// `jailed [PATH] [-- COMMAND]`
int launch(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);

/// `jailed AGENT [PATH] [-- ARGUMENTS]`: a jail that the agent is started in.
int agent(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
/// `jailed agents`: which are in the image, and which are logged in.
int agents(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int login(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);

/// `jailed doctor`
int doctor(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);

int build(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);

/// Jails that are there.
int list(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int stop(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int shell(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int exec(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int logs(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int sync_status(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int sync_flush(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int sync_recover(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
/// `jailed attach [JAIL] PATH`, `jailed detach [JAIL] NAME`: a further project for a running jail, or one fewer.
int attach(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int detach(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
/// What a jail's network let through and refused, what it would say of a host, its rules changed, and the least that would do.
int network_log(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int network_check(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int network_allow(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int network_deny(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
int network_suggest(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);
/// `jailed git import|log|drop [SESSION]`
int git(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);

}  // namespace jailed::commands
