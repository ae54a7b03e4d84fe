#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <jailed/core/error.hpp>
#include <jailed/core/exit_status.hpp>
#include <jailed/engine/jail_watch.hpp>
#include <jailed/host/beneath/watch.hpp>
#include <jailed/host/process/own_process.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/sync/mutagen.hpp>
#include <jailed/work/sync/follow.hpp>
#include <memory>

namespace jailed::work {
namespace {

using engine::JailWatch;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What is written in one go comes home in one go.
constexpr milliseconds kGather{50};
// Mutagen looks at every file of both sides each time: at most every other moment is spent with that.
constexpr milliseconds kRest{100};
constexpr milliseconds kRestWithoutRoom{1000};

// The trees of all projects.
using Trees = std::vector<std::unique_ptr<host::TreeWatch>>;

void wait_for_change(const Trees& here, const JailWatch& there) {
  std::vector<pollfd> fds = {{there.fd(), POLLIN, 0}};
  for (const auto& tree : here) fds.push_back({tree->fd(), POLLIN, 0});
  ::poll(fds.data(), fds.size(), -1);
}

bool take(Trees& here) {
  bool any = false;
  for (auto& tree : here) any = tree->take() || any;
  return any;
}

// Until the time is over or the jail is.
void rest(JailWatch& there, milliseconds time) {
  const auto end = steady_clock::now() + time;
  for (auto now = steady_clock::now(); now < end && !there.ended(); now = steady_clock::now()) {
    pollfd gone{there.fd(), 0, 0};  // POLLHUP alone
    ::poll(&gone, 1, static_cast<int>(std::chrono::ceil<milliseconds>(end - now).count()));
    if (gone.revents != 0) return;
  }
}

void flush(const core::Command& command, JailWatch& there) {
  try {
    host::Background flushing(command);
    while (!there.ended() && !flushing.wait(milliseconds(100))) there.take();
  } catch (const core::Error&) {
    // No room for a process now: the next change, or Mutagen's own look every 10 s, brings it home.
    rest(there, kRestWithoutRoom);
  }
}

}  // namespace

void start_following(const plan::Engine& engine, const MutagenProgram& program, const std::vector<std::string>& projects,
                     const std::string& container, const std::string& session_id) {
  std::vector<std::string> words = {kFollowChanges, engine.program, program.mutagen.program, container, session_id};
  words.insert(words.end(), projects.begin(), projects.end());
  try {
    const auto none = host::open_null();
    host::start_beside({host::own_program(), std::move(words), program.mutagen.env}, none.get(), none.get());
  } catch (const core::Error& error) {
    spdlog::warn("{} Changes go to and fro every 10 s only.", error.what());
  }
}

int follow_changes(const std::vector<std::string>& arguments) {
  if (arguments.size() < 5) return core::kUsageError;
  ::setsid();  // a terminal's Ctrl-C is for the jail
  for (const int signal : {SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) std::signal(signal, SIG_IGN);
  const plan::Engine engine{.program = arguments[0]};
  const plan::Mutagen mutagen{arguments[1], {}};
  JailWatch there(engine, arguments[2]);
  Trees here;
  for (std::size_t i = 4; i < arguments.size(); ++i) here.push_back(std::make_unique<host::TreeWatch>(arguments[i]));
  while (!there.ended()) {
    wait_for_change(here, there);
    bool changed = there.take();
    changed = take(here) || changed;
    if (!changed || there.ended()) continue;
    rest(there, kGather);
    there.take();
    take(here);
    const auto began = steady_clock::now();
    flush(plan::sync_flush_now_command(mutagen, arguments[3]), there);
    rest(there, std::max(kRest, std::chrono::duration_cast<milliseconds>(steady_clock::now() - began)));
  }
  return 0;
}

}  // namespace jailed::work
