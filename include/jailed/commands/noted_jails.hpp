#pragma once
#include <jailed/plan/jail.hpp>
#include <jailed/plan/jails.hpp>
#include <string>
#include <vector>

namespace jailed::commands {

/// What the session directories of this configuration say of jails, without a call of the engine. It spares
/// the question which jails there are, and is never believed over the engine: a note can be of a jail that
/// has ended, and jails of another configuration have none here.

/// Writes into a session which jail it is.
void note_jail(const std::string& session, const plan::Jail& jail);

/// The jails whose jailed lives, and those that were left alone with `--detach`.
std::vector<plan::FoundJail> noted_jails(const std::string& sessions);

/// The projects beside the first, now: what the session says, which knows of `jailed attach` and `detach`; else
/// those of the launch, which a label tells.
std::vector<plan::NamedProject> further_projects(const std::string& session,
                                                 const std::vector<plan::NamedProject>& at_launch);
void note_further_projects(const std::string& session, const std::vector<plan::NamedProject>& projects);

/// Whether a session that nobody owns could have left a volume behind: then the engine has to be asked.
bool may_have_volumes(const std::string& sessions, const std::vector<plan::FoundJail>& jails);

/// Waits until the jailed that owns the session is done with it; false when it is not within the time.
bool wait_for_owner(const std::string& sessions, const std::string& id);

}  // namespace jailed::commands
