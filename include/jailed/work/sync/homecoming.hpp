#pragma once
#include <jailed/host/process/signals.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/work/sync/mutagen.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::work {

/// A line on stderr that is written over; nothing where stderr is no terminal.
class LiveLine {
 public:
  explicit LiveLine(bool quiet);
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;
  ~LiveLine() { clear(); }
  void show(std::string_view text);
  void clear();

 private:
  bool shown_ = false;
  bool terminal_;
};

/// Signals that come while jailed does more than to wait for the user's command. They end nothing by
/// themselves: the flow looks here between steps.
class PendingSignals {
 public:
  PendingSignals();
  PendingSignals(const PendingSignals&) = delete;
  PendingSignals& operator=(const PendingSignals&) = delete;

  /// The first that came; 0 when none did.
  int first();
  int count();

 private:
  void look();

  host::SignalWatcher watcher_;
  int first_ = 0;
  int count_ = 0;
};

/// The volume of a jail whose keeper runs and whose session is connected or can be.
struct Cargo {
  std::string id;
  std::string project;
  std::string container;  // and volume
  std::string sessions;   // <config>/sessions
  std::vector<plan::NamedProject> further = {};
  std::vector<plan::NamedProject> beside = {};  // what else Mutagen keeps in step, on another machine
};

/// One project of a cargo, or what is beside them, which Mutagen keeps in step by a session of its own.
struct CargoProject {
  std::string key;  // plan::sync_key
  std::string name; // as plan::workspace_of has it
  std::string path;
};
std::vector<CargoProject> projects_of(const Cargo& cargo);

enum class Homecoming {
  done,     // all of the jail's work is on the host
  held_up,  // something is in the way; it was said what, and how to go on. The volume stays, and with it
            // Mutagen's session, paused
  container_gone  // while it was needed: nothing was said yet
};

/// Who has been in the container that brings the work home.
enum class Company {
  agent,  // what is left of it can hold up whatever works beside it: then the container is removed, and so gone
  nobody
};

struct FilesHome {
  std::optional<std::string> reason = std::nullopt;  // nothing when all is home
  bool stalled = false;                              // nothing moved for too long
  bool for_the_user = false;                         // trying again changes nothing before the user has done something
};

/// Brings one project's files home and saves the jail's side of conflicts.
FilesHome bring_project_home(const plan::Engine& engine, const SyncEngine& sync, const Cargo& cargo,
                             const CargoProject& project, PendingSignals& signals, Company company = Company::agent);

/// Ends what still runs in the jail, flushes, saves the agent's side of conflicts, and only then removes
/// container and volume and ends the session.
Homecoming bring_home(const plan::Engine& engine, const SyncEngine& sync, const Cargo& cargo,
                      PendingSignals& signals, Company company = Company::agent);

/// Removes container, volume and session of a jail whose work is home, or in which nobody has worked.
void discard(const plan::Engine& engine, const SyncEngine& sync, const Cargo& cargo);

}  // namespace jailed::work
