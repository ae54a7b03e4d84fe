#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <jailed/core/error.hpp>
#include <jailed/host/beneath/watch.hpp>
#include <jailed/host/process/child.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <jailed/plan/sync/mutagen.hpp>
#include <jailed/work/sync/follow.hpp>
#include <memory>

namespace jailed::work {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What is written in one go comes home in one go.
constexpr milliseconds kGather{50};
// Mutagen looks at every file of both sides each time: at most every other moment is spent with that.
constexpr milliseconds kRest{100};
constexpr milliseconds kRestWithoutRoom{1000};

// The watcher in the jail. What it says is not looked at: whoever else is in the jail could say it.
class JailWatch {
 public:
  explicit JailWatch(const core::Command& command) : JailWatch(command, host::make_pipe()) {}
  JailWatch(const JailWatch&) = delete;
  JailWatch& operator=(const JailWatch&) = delete;
  ~JailWatch() {
    output_.reset();
    client_.signal(SIGTERM);
    for (int look = 0; look < kLooksAtTheEnd && !client_.ended(); ++look) ::poll(nullptr, 0, 20);
  }

  int fd() const { return output_.get(); }
  bool ended() const { return ended_; }

  bool take() {
    bool any = false;
    std::array<char, 4096> bytes{};
    for (int reads = 0; reads < kMostReads; ++reads) {
      const auto count = ::read(output_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      ended_ = ended_ || count == 0 || (count < 0 && errno != EAGAIN);
      if (count <= 0) return any;
      any = true;
    }
    return any;  // the rest waits, and so does who writes it
  }

 private:
  static constexpr int kMostReads = 64;
  static constexpr int kLooksAtTheEnd = 100;

  JailWatch(const core::Command& command, host::Pipe output)
      : client_(command, {.in = null_.get(), .out = output.write.get(), .err = null_.get()}),
        output_(std::move(output.read)) {
    ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  }

  host::Fd null_ = host::open_null();
  host::Child client_;
  host::Fd output_;
  bool ended_ = false;
};

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
    host::start_beside({"/proc/self/exe", std::move(words), program.mutagen.env}, none.get(), none.get());
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
  JailWatch there(plan::watch_command(engine, arguments[2]));
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
