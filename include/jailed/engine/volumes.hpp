#pragma once
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/sync/volume.hpp>
#include <string>
#include <vector>

namespace jailed::engine {

/// Makes the volume of a jail. Empty when it is there, else what the engine said.
std::string make_volume(const plan::Engine& engine, const plan::Jail& jail);

/// How a removal went; `gone`: there is none of the jail's volumes any more.
struct VolumesRemoved {
  bool gone = false;
  bool overdue = false;  // the engine did not come to an end with it
};
VolumesRemoved remove_volumes(const plan::Engine& engine, const std::string& container);

/// All volumes of a session that claim to be a jail's, or of all sessions (plan::Volume). Throws core::Error when the engine does not
/// say which there are, or of which jail one is: who took such a volume for none would give up the work in it.
std::vector<plan::Volume> claimed_volumes(const plan::Engine& engine, const std::string& session_id);

}  // namespace jailed::engine
