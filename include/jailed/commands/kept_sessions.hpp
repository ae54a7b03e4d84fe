#pragma once
#include <string>

namespace jailed::commands {

/// Whether an abandoned session is known to hold commits that have not come home, or files in quarantine. Says
/// how to get them when they are `project`'s.
bool offer_kept_session(const std::string& sessions, const std::string& id, const std::string& project);

/// Removes an abandoned session whose containers are gone, after the report on what changed that the host would
/// run; one with commits that have not come home, or files in quarantine, is kept and offered instead.
void clear_session(const std::string& sessions, const std::string& id, const std::string& project);

}  // namespace jailed::commands
