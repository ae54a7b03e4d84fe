#pragma once
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::engine {

/// Steps inside a running jail whose projects are in a volume. Whatever runs there can hold them up: each has a patience.

/// Kills whatever still runs in the keeper but the keeper and Mutagen's agent; false when the jail holds that up.
bool end_others(const plan::Engine& engine, const std::string& container);

/// Gives the jail's user back the right to read what is theirs, as far as it gets.
void open_up(const plan::Engine& engine, const std::string& container, const std::string& workspace);

/// Writes the .git files of submodules, which are not synced, into the workspace.
void write_gitfiles(const plan::Engine& engine, const std::string& container, const std::vector<plan::ModulePlan>& modules);

/// The files of the index that are not in a work tree of the jail, each with a NUL behind it; nothing where there is no
/// repository.
std::optional<std::string> missing_files(const plan::Engine& engine, const std::string& container, const std::string& work_tree);

/// What of a project goes into an archive.
struct Archived {
  enum class What {
    sides,      // these paths, of which some may be gone
    whole,      // these paths, all of them or none; "" is the whole project
    odd_names,  // all whose names are not UTF-8
  } what = What::whole;
  std::vector<std::string> paths = {};
};

/// Writes a tar archive of it to `output`; false when it is not whole.
bool archive(const plan::Engine& engine, const std::string& container, const std::string& workspace, const Archived& archived, int output);

/// How a step of a project's way out of the jail went (plan/sync/leaving.hpp).
struct Leaving {
  bool answered = true;                                // else the jail is held up
  std::optional<std::string> obstacle = std::nullopt;  // what stands against it, for the end of a sentence
  bool done() const { return answered && !obstacle; }
};
Leaving begin_leaving(const plan::Engine& engine, const std::string& container, const std::string& project);
Leaving take_out(const plan::Engine& engine, const std::string& container, const std::string& project);
void put_back(const plan::Engine& engine, const std::string& container, const std::string& project);
void remove_taken_out(const plan::Engine& engine, const std::string& container, const std::string& project);

}  // namespace jailed::engine
