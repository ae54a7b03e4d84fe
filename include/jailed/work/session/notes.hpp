#pragma once
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/session/record.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::work {

/// What the session directories of this configuration say of jails, without a call of the engine. It spares
/// the question which jails there are, and is never believed over the engine: a note can be of a jail that
/// has ended, and jails of another configuration have none here.

/// Writes into a session what its launch decided; and reads it. Nothing: no launch came so far.
void note_record(const std::string& session, const plan::SessionRecord& record);
std::optional<plan::SessionRecord> noted_record(const std::string& session);

/// What is known here of the session that a claim names; nothing is there for a text that is no session's id.
plan::KnownSession known_session(const std::string& sessions, const std::string& id);

/// The jails of an engine whose jailed lives, and those that were left alone with `--detach`.
std::vector<plan::FoundJail> noted_jails(const plan::Engine& engine, const std::string& sessions);

/// The note is of a jail of another engine than this, which cannot say whether that has ended. Nothing of its session may be cleared.
bool is_of_other_engine(const plan::Engine& engine, const std::string& session);

/// The engine of a jail whose jailed was killed.
struct OtherEngine {
  std::string name;        // empty for a jail around another project than the one that was asked about
  bool has_work = false;   // in a volume
};

/// Nothing for a jail of this engine, and for one that came to its end: what is left of its session is no engine's.
std::optional<OtherEngine> engine_of_lost_work(const plan::Engine& engine, const std::string& session, const std::string& project);

/// Nothing of the jail is in a volume any more, though its session stays: no engine has work of it.
void note_work_is_home(const std::string& session);

/// What Mutagen keeps in step beside the projects (plan::Carried::followed).
std::vector<plan::NamedProject> noted_beside(const std::string& session);

/// The projects beside the first, now: what the session says, which knows of `jailed attach` and `detach`; else
/// those of the launch, which a label tells.
std::vector<plan::NamedProject> further_projects(const std::string& session,
                                                 const std::vector<plan::NamedProject>& at_launch);
void note_further_projects(const std::string& session, const std::vector<plan::NamedProject>& projects);

/// Whether a session that nobody owns could have left a volume behind: then the engine has to be asked.
bool may_have_volumes(const std::string& sessions, const std::vector<plan::FoundJail>& jails);

/// Waits until the jailed that owns the session is done with it; false when it is not within the time.
bool wait_for_owner(const std::string& sessions, const std::string& id);

}  // namespace jailed::work
