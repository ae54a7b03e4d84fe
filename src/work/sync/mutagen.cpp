#include <fmt/format.h>

#include <chrono>
#include <jailed/core/error.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/work/sync/mutagen.hpp>
#include <thread>

namespace jailed::work {
namespace {

using std::chrono::steady_clock;

constexpr auto kTick = std::chrono::milliseconds(200);
constexpr int kAttempts = 3;
// Mutagen connects by half a dozen short calls of the engine, the agent being in the jail already.
constexpr auto kCreatePatience = std::chrono::seconds(30);
// The container is on this machine or a network away: what is not connected by then will not be.
constexpr auto kConnectPatience = std::chrono::seconds(20);
// A side that cannot be read Mutagen tries again every five seconds, for ever: a jail may have put a link in its place.
constexpr auto kErrorPatience = std::chrono::seconds(20);

// How long Mutagen has had nothing to say but an error.
class ErrorWatch {
 public:
  bool overdue(const plan::SyncState& state) {
    const auto now = steady_clock::now();
    if (state.last_error.empty() || !state.connected) since_ = now;
    return now - since_ > kErrorPatience;
  }

 private:
  steady_clock::time_point since_ = steady_clock::now();
};

// The client writes its progress with carriage returns over one line; its last line is the answer.
std::string last_words(const host::Captured& captured) {
  std::string text = captured.err.empty() ? captured.out : captured.err;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  const auto start = text.find_last_of("\r\n");
  return core::printable(start == std::string::npos ? text : text.substr(start + 1));
}

}  // namespace

void SyncEngine::create(const plan::SyncSession& session) const {
  std::string said;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto captured = host::ask_shielded(plan::sync_create_command(mutagen_, session), kCreatePatience);
    if (captured.status.ok()) return;
    said = last_words(captured);
    // Its client is gone, but its daemon may have come to an end with it.
    if (captured.overdue) terminate(plan::sync_key(session.id, session.name));
    if (!captured.overdue && !plan::may_pass(said)) break;
    std::this_thread::sleep_for(kTick);
  }
  throw core::Error(
      fmt::format("Mutagen could not sync the project: {}.", said),
      said.find("version") == std::string::npos
          ? "do without it: jailed --sync bind"
          : "its daemon is of another version; restart it: mutagen daemon stop && mutagen daemon start");
}

bool SyncEngine::resume(const std::string& id) const {
  return host::capture_shielded(plan::sync_resume_command(mutagen_, id)).status.ok();
}

std::optional<plan::SyncState> SyncEngine::state(const std::string& id) const {
  const auto captured = host::ask_shielded(plan::sync_list_command(mutagen_, id));
  return captured.status.ok() ? plan::parse_sync_state(captured.out) : std::nullopt;
}

SyncEngine::FlushEnd SyncEngine::flush(const std::string& id,
                                       const std::function<bool(const plan::SyncState&)>& on_tick) const {
  auto connected_at = steady_clock::now();
  ErrorWatch errors;
  while (true) {
    host::Background flush(plan::sync_flush_command(mutagen_, id));
    auto ended = flush.wait(kTick);
    for (; !ended; ended = flush.wait(kTick)) {
      const auto now = state(id);
      if (now && now->connected) connected_at = steady_clock::now();
      if (!on_tick(now.value_or(plan::SyncState{}))) return {.stopped = true};
      if (now && now->halted()) return {.said = now->status};
      if (now && errors.overdue(*now)) return {.said = core::printable(now->last_error)};
      if (steady_clock::now() - connected_at > kConnectPatience)
        return {.said = now && !now->last_error.empty() ? core::printable(now->last_error) : "no connection"};
    }
    if (ended->status.ok()) return {.done = true};
    // Refused: not connected (yet), halted, or gone.
    const auto now = state(id);
    if (!now) return {.said = last_words(*ended)};
    if (now->halted()) return {.said = now->status};
    if (!on_tick(*now)) return {.stopped = true};
    if (!now->connected && !resume(id))
      return {.said = now->last_error.empty() ? last_words(*ended) : now->last_error};
    if (steady_clock::now() - connected_at > kConnectPatience) return {.said = last_words(*ended)};
  }
}

void SyncEngine::pause(const std::string& id) const {
  host::ask_shielded(plan::sync_pause_command(mutagen_, id));
}

void SyncEngine::terminate_all(const std::string& id) const {
  host::capture_shielded(plan::sync_terminate_all_command(mutagen_, id));
}

void SyncEngine::terminate(const std::string& id) const {
  host::capture_shielded(plan::sync_terminate_command(mutagen_, id));
}

}  // namespace jailed::work
