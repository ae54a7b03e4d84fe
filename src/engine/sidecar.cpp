#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <jailed/core/text.hpp>
#include <jailed/engine/sidecar.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/child.hpp>
#include <jailed/host/process/lease.hpp>
#include <jailed/host/process/own_process.hpp>
#include <memory>
#include <optional>

#include "client.hpp"

namespace jailed::engine {
namespace {

using std::chrono::milliseconds;

// Two containers that start at once take longer than one after the other; what ends by then has no use for the second.
constexpr auto kHeadStart = std::chrono::milliseconds(1000);
// One that lived for as long is started again at once, others after longer and longer pauses.
constexpr auto kShortLife = std::chrono::seconds(5);
constexpr int kLongestPause = 6;  // 100 ms, doubled so often
constexpr auto kSidecarEnd = std::chrono::seconds(15);
constexpr std::size_t kMostSaid = 2000;

std::string said_file(const std::string& lease) { return lease + "-said"; }

// What it made as soon as it worked.
bool has_worked(const std::string& sign) { return host::lstat_of(sign).has_value(); }

// The client of one sidecar, with the last it said.
class SidecarClient {
 public:
  explicit SidecarClient(const core::EngineCall& call) : began_(host::Clock::now()) {
    auto pipe = host::make_pipe();
    const auto nothing = host::open_null();
    child_.emplace(Client::command(call), host::ChildFds{.in = nothing.get(), .out = pipe.write.get(), .err = pipe.write.get(), .own_group = true});
    output_ = std::move(pipe.read);
    ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  }

  // Until it has ended, until `fd` is readable, or for so long.
  bool wait(int fd, milliseconds patience) {
    std::array<pollfd, 3> fds = {pollfd{output_.get(), POLLIN, 0}, pollfd{child_->end_fd(), POLLIN, 0}, pollfd{fd, POLLIN, 0}};
    ::poll(fds.data(), fds.size(), static_cast<int>(patience.count()));
    read_output();
    status_ = child_->ended();
    return status_.has_value();
  }

  // Not by a signal, nor by its own program's choice.
  bool was_not_started() const {
    return status_ && (*status_ == core::ExitStatus::exited(core::kFailed) || *status_ == core::ExitStatus::exited(core::kNotRunnable) ||
                       *status_ == core::ExitStatus::exited(core::kNotFound));
  }

  void kill() { child_->kill(); }
  const std::string& said() const { return said_; }
  bool was_short() const { return host::Clock::now() - began_ < kShortLife; }

 private:
  void read_output() {
    std::array<char, 4096> bytes;
    ssize_t count = 0;
    while ((count = ::read(output_.get(), bytes.data(), bytes.size())) > 0) {
      said_.append(bytes.data(), static_cast<std::size_t>(count));
      if (said_.size() > kMostSaid) said_.erase(0, said_.size() - kMostSaid);
    }
    if (count == 0) output_.reset();  // poll() passes over what is not there
  }

  host::Clock::time_point began_;
  host::Fd output_;
  std::optional<host::Child> child_;
  std::optional<core::ExitStatus> status_;
  std::string said_;
};

// Until the input has ended, which is when jailed has, or for so long.
bool input_ends(milliseconds patience) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, static_cast<int>(patience.count())) > 0 && input.revents != 0;
}

// What the jail's user may write into, and nobody else in the jail's way there is.
host::Fd make_knock(const std::string& path) {
  if (::mkfifo(path.c_str(), 0600) != 0) return {};
  host::Fd knock(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ::chmod(path.c_str(), 0622);
  return knock;
}

// False when jailed was done before anybody had a use for it.
bool is_wanted(const host::Fd& knock) {
  const auto end = host::Clock::now() + kHeadStart;
  while (true) {
    std::array<pollfd, 2> fds = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{knock.get(), POLLIN, 0}};
    const int count = ::poll(fds.data(), fds.size(), host::milliseconds_until(end));
    if (count > 0 && fds[0].revents != 0) return false;
    if (count > 0 || host::Clock::now() >= end) return true;
  }
}

void remove_sidecar(const plan::Engine& engine, const std::string& container) {
  try {
    Client::capture_shielded(plan::remove_command(engine, container), milliseconds(20'000));
  } catch (const core::Error&) {
    // The sweep of the next launch finds it by its label.
  }
}

void tell_ready() {
  while (::write(STDOUT_FILENO, "ready\n", 6) < 0 && errno == EINTR) {
  }
}

void note_failure(const std::string& lease, const std::string& said) {
  try {
    ::unlink(said_file(lease).c_str());
    host::write_new_file(said_file(lease), said.empty() ? "it ended at once, and said nothing" : said, 0600);
  } catch (const core::Error&) {
    // There the jail's own errors have to do.
  }
}

struct Kept {
  std::string session, lease, sign, container;
  plan::Engine engine;
  core::EngineCall run;
};

// Runs one sidecar after the other until jailed is done with them.
void keep_running(const Kept& kept, const host::Lease& lease) {
  int attempts = 0;
  while (true) {
    std::optional<SidecarClient> client;
    try {
      client.emplace(kept.run);
    } catch (const core::Error& error) {
      note_failure(kept.lease, error.what());
    }
    bool ended = !client;
    while (!ended && !input_ends(milliseconds(0))) ended = client->wait(STDIN_FILENO, milliseconds(1000));
    if (!ended) {
      // Where jailed was killed, the next one waits for who shares this before it tidies up.
      const auto held = host::try_share_directory(kept.session);
      lease.send(SIGKILL);
      const auto end = host::Clock::now() + kSidecarEnd;
      while (!client->wait(-1, milliseconds(200))) {
        if (host::Clock::now() < end) continue;
        client->kill();
        remove_sidecar(kept.engine, kept.container);
        break;
      }
      if (client->was_not_started() && !has_worked(kept.sign)) note_failure(kept.lease, client->said());
      return;
    }
    attempts = client && !client->was_short() ? 0 : std::min(attempts + 1, kLongestPause);
    if (client && !has_worked(kept.sign)) note_failure(kept.lease, client->said());
    if (input_ends(milliseconds(100 << attempts))) return;
    // One that its client left behind has the name.
    remove_sidecar(kept.engine, kept.container);
  }
}

core::Command keeper_process(const SidecarFiles& files, const plan::Engine& engine, const plan::Jail& sidecar) {
  const auto run = Client::command(plan::run_command(engine, sidecar));
  core::Command keeper{host::own_program(), {Sidecar::kSubcommand, files.session, files.lease, files.knock, files.sign, plan::container_name(sidecar), run.program}, run.env};
  keeper.args.insert(keeper.args.end(), run.args.begin(), run.args.end());
  return keeper;
}

}  // namespace

Sidecar::Sidecar(const SidecarFiles& files, const plan::Engine& engine, const plan::Jail& sidecar)
    : files_(files), keeper_(keeper_process(files, engine, sidecar)) {}

std::string Sidecar::end() {
  keeper_.end();
  if (has_worked(files_.sign)) return {};
  return std::string(core::trimmed(host::read_beginning(said_file(files_.lease), kMostSaid)));
}

int Sidecar::serve(const std::vector<std::string>& arguments) {
  if (arguments.size() < 7) return core::kUsageError;
  ::setsid();  // a terminal's Ctrl-C is for the jail
  for (const int signal : {SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGPIPE}) std::signal(signal, SIG_IGN);
  const host::Lease lease(arguments[1]);
  {
    const auto knock = make_knock(arguments[2]);
    tell_ready();
    if (!is_wanted(knock)) return 0;
  }
  keep_running({.session = arguments[0],
                .lease = arguments[1],
                .sign = arguments[3],
                .container = arguments[4],
                .engine = plan::Engine{.program = arguments[5]},
                .run = {arguments[5], {arguments.begin() + 6, arguments.end()}, {}}},
               lease);
  return 0;
}

}  // namespace jailed::engine
