#pragma once
#include <string>

namespace jailed::host {

/// Makes of this process what the rest of the program takes for granted, whatever its parent left it with (cron, a CI
/// runner, `ssh -T`, `>&-`): descriptors 0, 1 and 2 are open, so that no file, pipe or lease ever becomes one of them and
/// gets what is printed; no signal is blocked; the ends of children are told; and as many files may be open as the
/// caller's hard limit and 4096 allow. The first thing in main.
void settle_own_process();

/// Another process of the same user can no longer take over what this one may do, and no program that it starts gets more
/// rights than it has (Linux; elsewhere the system's own rules hold).
void seal_own_process();

/// The path of this very program, for starting it again beside this process.
std::string own_program();

/// Throws core::Error where hardly a file can be opened any more: what cannot be looked at must not pass for what is not
/// there.
void check_room_for_files();

}  // namespace jailed::host
