#pragma once
#include <jailed/work/sync/homecoming.hpp>
#include <string>

namespace jailed::work {

/// A project that is being detached is noted in its part of the session from before its files are moved aside until
/// its work is home and it is no project of the jail's any more.
void note_leaving(const std::string& session, const std::string& name);

/// Puts the files of such a project back where Mutagen looks for them. Nothing for all others.
void put_back_what_was_leaving(const plan::Engine& engine, const Cargo& cargo, const CargoProject& project);

}  // namespace jailed::work
