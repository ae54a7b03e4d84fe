#pragma once
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/session/record.hpp>
#include <jailed/plan/sync/volume.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// What an engine answers is somebody else's text: an image can carry any label, a jail with the engine's proxy can choose
/// names, another machine's engine says what it likes. Before any of it becomes a path, a name or a word of a command it
/// passes here; what a jail is, its session says, and who only claims to be one is never acted upon.

/// A name as engines give it to containers, networks and volumes: never an option, never a path.
bool is_engine_name(std::string_view text);

/// 12 to 64 lower-case hexadecimal digits.
bool is_container_id(std::string_view text);

/// Names and ids of an answer that is one a line; what is neither is left out.
std::vector<std::string> names_in(std::string_view answer);

/// Absolute, without NUL and without a `.` or `..` that leads elsewhere.
bool is_plain_path(std::string_view text);

/// A path below a project: not absolute, without NUL and `..`. Empty: the project itself.
bool is_path_below(std::string_view text);

/// Safe to print and not too long for a table.
std::string shown_answer(std::string_view text);

/// The session directory that a claim names, as it is here.
struct KnownSession {
  bool there = false;
  bool detached = false;
  std::optional<SessionRecord> record = std::nullopt;
  std::vector<NamedProject> further = {};  // now; the record says those of the launch
};

/// The jail with everything that is acted on from its session; or, where the two do not agree, as a foreign one.
FoundJail agreed(const Engine& engine, FoundJail claimed, const KnownSession& session);

/// The same of a volume.
Volume agreed(const Engine& engine, Volume claimed, const KnownSession& session);

/// What claims to be a jail, and is taken for none.
FoundJail foreign(const Engine& engine, FoundJail claimed, std::string why);

}  // namespace jailed::plan
