#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <jailed/commands/kept_sessions.hpp>
#include <jailed/commands/noted_jails.hpp>
#include <jailed/commands/recovery.hpp>
#include <jailed/commands/sweep.hpp>
#include <jailed/commands/sync_sessions.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/container_engine.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/idmapped_mount.hpp>
#include <jailed/host/session.hpp>
#include <jailed/socket_proxy/server.hpp>

namespace jailed::commands {
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
  for (const auto& volume : find_volumes(engine, id)) {
    if (!mutagen) {
      spdlog::warn("A jail around {} was killed, and its last work is not home: jailed sync recover {}",
                   core::printable(volume.project), id);
      return false;
    }
    spdlog::info("A jail around {} was killed; bringing its work home.", core::printable(volume.project));
    PendingSignals signals;
    if (!recover(engine, engine::SyncEngine(mutagen->mutagen), *mutagen, jail_of(volume, sessions),
                 cargo_of(volume, sessions), signals))
      return false;
  }
  if (mutagen) engine::SyncEngine(mutagen->mutagen).terminate_all(id);
  return true;
}

}  // namespace

void sweep(const plan::Engine& engine, const Places& places, const core::Environment& environment) {
  const auto sessions = places.config + "/sessions";
  std::optional<std::optional<MutagenProgram>> mutagen;
  for (const auto& id : host::abandoned_sessions(sessions)) {
    if (offer_kept_session(sessions, id, places.project)) continue;
    if (const auto other = engine_of_lost_work(engine, sessions + "/" + id, places.project)) {
      if (!other->empty()) {
        spdlog::warn("A jail around this project was killed, and its last work is with another engine, {}.", *other);
        spdlog::warn("  it comes home with the next jailed that uses that one");
      }
      continue;
    }
    if (offer_held_up(engine, sessions + "/" + id, id, places.project)) continue;
    const host::AbandonedSession session(sessions, id);
    if (!session) continue;  // somebody else takes care of it
    // A proxy that ended as it should has taken its socket away.
    const auto socket = sessions + "/" + id + "/" + socket_proxy::kSocketName;
    if (host::lstat_of(socket)) {
      engine::remove_siblings(engine, id);
      ::unlink(socket.c_str());
    }
    if (!mutagen) mutagen = usable_mutagen(engine, environment);
    spdlog::debug("Removing what is left of session {}.", core::printable(id));
    engine::remove_session_containers(engine, id);
    try {
      if (bring_volumes_home(engine, sessions, id, *mutagen))
        clear_session(session, sessions, id, places.project);
    } catch (const core::Error& error) {
      spdlog::warn("{}", error.what());
    }
  }
  if (::geteuid() == 0) host::IdmappedMounts::sweep();
}

}  // namespace jailed::commands
