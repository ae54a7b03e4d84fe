#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/invocation.hpp>
#include <jailed/core/settings.hpp>

namespace jailed::cli {

/// `jailed completion SHELL`: what the shell is to read, from completions/.
int print_completion(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);

/// `jailed complete -- WORD...`: a candidate a line, behind a tab what it is; then `:directories` or `:files`, where the shell
/// has to look as well. Says nothing else, whatever goes wrong: a person is in the middle of a line.
int print_candidates(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);

}  // namespace jailed::cli
