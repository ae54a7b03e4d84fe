#pragma once
#include <jailed/core/exit_status.hpp>
#include <string>
#include <string_view>

namespace jailed::plan {

/// Whether a command that ended like this had no chance to put its terminal in order: killed by a signal, or cut off with
/// its engine. One that ended by itself has done so, or meant what it left.
bool may_have_left_modes(core::ExitStatus status);

/// What undoes the modes that a program sets on a terminal (mouse, focus and paste reports, the other screen, a hidden
/// cursor, keys, scroll region, character set, colours), for the value of TERM. It changes nothing that can be seen on a
/// terminal in which nothing was set. Empty for what is no such terminal.
std::string terminal_reset(std::string_view term);

}  // namespace jailed::plan
