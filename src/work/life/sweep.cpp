#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <jailed/core/error.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/files/idmapped_mount.hpp>
#include <jailed/work/end/end.hpp>
#include <jailed/work/life/kept.hpp>
#include <jailed/work/life/sweep.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/session/session.hpp>
#include <jailed/work/sync/recovery.hpp>
#include <jailed/work/sync/sessions.hpp>
#include <thread>

namespace jailed::work {
namespace {

// Also where this launch has no use for it: --sync bind.
std::optional<MutagenProgram> usable_mutagen(const plan::Engine& engine,
                                             const core::Environment& environment) {
  try {
    return find_mutagen(engine, environment);
  } catch (const core::Error&) {
    return std::nullopt;
  }
}

// False when work is still in a volume.
bool bring_volumes_home(const plan::Engine& engine, const std::string& sessions, const std::string& id,
                        const std::optional<MutagenProgram>& mutagen) {
  for (const auto& volume : find_volumes(engine, sessions, id)) {
    if (!mutagen) {
      spdlog::warn("A jail around {} was killed, and its last work is not home: jailed sync recover {}",
                   core::printable(volume.project), id);
      return false;
    }
    spdlog::info("A jail around {} was killed; bringing its work home.", core::printable(volume.project));
    PendingSignals signals;
    if (!recover(engine, SyncEngine(mutagen->mutagen), *mutagen, jail_of(volume, sessions),
                 cargo_of(volume, sessions), signals))
      return false;
  }
  if (mutagen) SyncEngine(mutagen->mutagen).terminate_all(id);
  return true;
}

// Whether there is no container of the session's, nor will be one. A client whose jailed was killed goes on: if it came to the start
// after the session's files are gone, its container would never start and never go, and `docker run --rm` would wait for that
// (20.10 to 28).
bool remove_containers(const plan::Engine& engine, const std::string& id) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (true) {
    const bool starting = engine::client_runs(id);
    engine::remove_session_containers(engine, id);
    if (!starting) return true;
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// It may not have ended with its jailed: an image need not have our init, nor need what watches where there is no lease have lived.
void tell_of_other_engine(const OtherEngine& other) {
  if (other.has_work) {
    spdlog::warn("A jail around this project was killed, and its last work is with another engine, {}.", other.name);
    spdlog::warn("  it comes home with the next jailed that uses that one");
  } else {
    spdlog::warn("A jail around this project was killed, and only another engine, {}, knows whether it has ended.", other.name);
    spdlog::warn("  it is looked at by the next jailed that uses that one");
  }
}

// What one launch sweeps with; Mutagen is looked for only when a session may need it.
class Sweep {
 public:
  explicit Sweep(const LaunchFacts& facts)
      : engine_(facts.engine), project_(facts.places.project), environment_(facts.environment), sessions_(facts.places.config + "/sessions") {}

  void one(const std::string& id) {
    const bool siblings_gone = remove_siblings_of(id);
    if (offer_kept_session(sessions_, id, project_)) return;
    if (const auto other = engine_of_lost_work(engine_, sessions_ + "/" + id, project_)) {
      if (!other->name.empty()) tell_of_other_engine(*other);
      return;
    }
    if (offer_held_up(engine_, sessions_ + "/" + id, id, project_)) return;
    if (!siblings_gone) return;
    const AbandonedSession session(sessions_, id);
    if (!session) return;  // somebody else takes care of it
    if (!mutagen_) mutagen_ = usable_mutagen(engine_, environment_);
    spdlog::debug("Removing what is left of session {}.", core::printable(id));
    if (!remove_containers(engine_, id)) return;  // the next launch looks again
    if (bring_volumes_home(engine_, sessions_, id, *mutagen_)) {
      clear_session(session, sessions_, id, project_);
    } else {
      end_jail({.sessions = sessions_, .id = id, .files_home = false});  // what came so far is looked at
    }
  }

 private:
  // Of a session that is kept as well; what goes wrong here does not keep its commits from being offered.
  bool remove_siblings_of(const std::string& id) {
    try {
      remove_left_siblings(engine_, sessions_ + "/" + id, id);
      return true;
    } catch (const core::Error& error) {
      spdlog::warn("{}", error.what());
      return false;
    }
  }

  const plan::Engine& engine_;
  const std::string& project_;
  const core::Environment& environment_;
  std::string sessions_;
  std::optional<std::optional<MutagenProgram>> mutagen_;
};

}  // namespace

void sweep(const LaunchFacts& facts) {
  Sweep sweep(facts);
  for (const auto& id : abandoned_sessions(facts.places.config + "/sessions")) {
    try {
      sweep.one(id);
    } catch (const core::Error& error) {  // of one session; the others, and the launch, are not held up by it
      spdlog::warn("{}", error.what());
    }
  }
  if (::geteuid() == 0) host::IdmappedMounts::sweep();
}

}  // namespace jailed::work
