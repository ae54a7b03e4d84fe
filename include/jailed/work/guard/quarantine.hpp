#pragma once
#include <functional>
#include <jailed/plan/guard/findings.hpp>
#include <jailed/plan/guard/snapshot.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// Makes, before the launch, what a quarantine will need even if the jail fills the disk: `<part>/quarantine`, the list
/// `quarantine.txt` with blocks of its own, and room for small files. Throws core::Error where there is no room now.
void make_room_for_quarantine(const std::string& part, const std::string& project);

/// Told before and after each move, so that what is found is named whatever then happens.
struct QuarantineTalk {
  std::function<void(const plan::Finding&)> found;  // each, in their order
  std::function<void(const plan::Finding&)> done;   // those that were to be moved: how that went
};

/// Moves what is to be moved into `<part>/quarantine` of a session's part, and writes down in `quarantine.txt` beside it,
/// before each move, how to take it back. What was moved is closed: no tool obeys it there. Findings that
/// went along with another one are dropped. What cannot be moved says so in itself; nothing is thrown for it.
void move_to_quarantine(std::vector<plan::Finding>& findings, const plan::HostSnapshot& before, const std::string& part,
                        const QuarantineTalk& talk);

/// Whether the quarantine of a part holds something.
bool part_holds_quarantine(const std::string& part);

/// Whether the quarantine of any part of the session holds something.
bool holds_quarantine(const std::string& session);

/// Where `project`'s files in quarantine are listed; empty: there are none.
std::string quarantine_list_of(const std::string& session, const std::string& project);

}  // namespace jailed::work
