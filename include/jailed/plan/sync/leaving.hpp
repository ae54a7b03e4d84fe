#pragma once
#include <jailed/core/engine_call.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <string>
#include <string_view>

namespace jailed::plan {

/// How a further project leaves a running jail with Mutagen, so that no write is lost: `detach_begin`, a flush, Mutagen's
/// session is paused, `detach_take`. What is written before the flush begins comes with it; what is written later is seen.

/// Remembers the moment in the jail; every change that is made after this command has ended counts as later. Puts back
/// what an earlier detach moved aside, if it did not get further. Status 1: somebody works in it, the output says who.
core::EngineCall detach_begin_command(const Engine& engine, const std::string& container, const std::string& name);

/// Moves the project's directory aside, where no path that anybody knows leads. Status 0: nobody has it open or works in
/// it, and nothing in it is later than detach_begin. Else it is where it was, and the output says what stands against it.
core::EngineCall detach_take_command(const Engine& engine, const std::string& container, const std::string& name);

/// Puts the directory back where it was, if it was moved aside; with what was written at its place meanwhile.
core::EngineCall detach_undo_command(const Engine& engine, const std::string& container, const std::string& name);

/// Removes what was moved aside.
core::EngineCall detach_remove_command(const Engine& engine, const std::string& container, const std::string& name);

/// What stands against it, of detach_take's output, for the end of a sentence.
std::string detach_obstacle(std::string_view said);

}  // namespace jailed::plan
