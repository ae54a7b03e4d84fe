#pragma once
#include <jailed/core/command.hpp>
#include <jailed/core/engine_call.hpp>
#include <jailed/plan/git/refs.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// What a session remembers of a repository that it shadows. It is written before the launch where the jail
/// cannot write, so it can be trusted after a crash.
struct GitRecord {
  std::string project;
  std::string git_dir;  // empty: there was no repository
  std::string common_dir;
  std::string above;  // the repository that the project is a part of
  bool read_only = false;
  bool made_entry = false;  // <project>/.git is jailed's own, to be removed
  std::vector<std::string> objects;
  std::string lfs_objects;
  std::string shadow = "git";   // where it is in the session
  std::string place = "/jail";  // where the jail has its objects
  std::string workspace = "/workspace";  // and the project
  bool operator==(const GitRecord&) const = default;
};

std::string format_record(const GitRecord& record);
std::optional<GitRecord> parse_record(std::string_view text);

/// A jail without network that sees a shadow, read-only, and prints what came of it: one "NAME<tab>VALUE" a
/// line, an empty line, a thin pack of all objects that the known ones do not lead to. `base` is the jail
/// that worked on the shadow, with user files and limits.
Jail collector(Jail base, const std::vector<BindMount>& binds);

/// The same in two steps, for an engine on another machine: one that waits until it has been given what it reads, and
/// the call that has it print.
Jail waiting_collector(Jail collector);
core::EngineCall collect_command(const Engine& engine, const Jail& collector);

/// The call that prints: the one of these that is for this engine.
core::EngineCall collection_call(const Engine& engine, const Jail& collector);

/// What it printed. Refs of the work, HEAD, "staged" (a commit of the staged changes) and "stash/N".
struct Collected {
  GitRefs refs;
  std::size_t pack_at = 0;  // where the pack begins
};

/// Nothing when it is no such answer. `text` need only hold the beginning.
std::optional<Collected> parse_collected(std::string_view text);

/// One ref to make on the host, under refs/jailed/<id>/.
struct Arrival {
  std::string from;  // the name in the jail
  std::string to;    // the name on the host
  std::string id;    // of the object
  bool operator==(const Arrival&) const = default;
};

struct Arrivals {
  std::vector<Arrival> refs;
  std::vector<std::string> refused;  // names that the host should not get
};

/// What of the jail's refs is new and where it goes. refs/heads/x becomes refs/jailed/<id>/heads/x.
Arrivals plan_arrivals(const GitRefs& known, const GitRefs& collected, const std::string& session_id);

/// A call of the host's git in a repository that the host trusts, with nothing in it that would run by
/// itself: no hooks, no monitor, no pager, no lazy fetching, no user's or system's settings, no variables of
/// the caller that lead elsewhere.
core::Command quiet_git(const std::string& git, const std::string& git_dir, const std::string& common_dir,
                        const std::string& work_tree, std::vector<std::string> args);

/// What switches off the hooks that a repository's settings name (git 2.54 and newer), by their names as `git config --null --name-only
/// --get-regexp ^hook[.]` gives them; nothing when they are more than anybody has.
std::optional<std::vector<core::EnvVar>> without_hooks(std::string_view names);

/// Paths in the output of `git diff-tree -r -z --raw` at which a submodule appears, goes or changes.
std::vector<std::string> changed_gitlinks(std::string_view raw);

}  // namespace jailed::plan
