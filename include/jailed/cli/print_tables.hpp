#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/invocation.hpp>
#include <jailed/core/settings.hpp>
#include <string>

namespace jailed::cli {

/// The tables of settings, verbs and agents as JSON.
std::string tables_json();

/// `jailed print-tables`: scripts/settings-pages and the tests read it.
int print_tables(const core::Invocation& invocation, const core::Settings& settings, const core::Environment& environment);

}  // namespace jailed::cli
