#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <jailed/core/error.hpp>
#include <jailed/host/files/fd.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/own_process.hpp>
#include <jailed/socket_proxy/cleanup.hpp>
#include <jailed/socket_proxy/connection.hpp>
#include <jailed/socket_proxy/server.hpp>
#include <thread>

namespace jailed::socket_proxy {
namespace {

constexpr int kMostConnections = 128;
constexpr int kFilesOfConnection = 3;  // the client's, the engine's, and one to spare
constexpr int kFilesBeside = 16;
constexpr auto kPauseWithoutRoom = std::chrono::milliseconds(100);
constexpr const char* kAnnotations = "annotations";
constexpr auto kLastChanges = std::chrono::seconds(60);

core::Error failed(std::string_view what) {
  return core::Error(
      fmt::format("The proxy for the engine's socket cannot {}: {}.", what, std::strerror(errno)));
}

std::string number_or_dash(std::optional<std::uint64_t> number) {
  return number ? std::to_string(*number) : "-";
}

std::optional<std::uint64_t> parse_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc{}) return std::nullopt;
  return number;
}

Options parse(const std::vector<std::string>& words) {
  if (words.size() != 9) throw core::Error("The proxy for the engine's socket is jailed's own to start.");
  Options options;
  options.directory = words[0];
  options.upstream = words[1];
  options.session = words[2];
  options.uid = static_cast<uid_t>(parse_number(words[3]).value_or(65534));
  options.gid = static_cast<gid_t>(parse_number(words[4]).value_or(65534));
  if (const auto group = parse_number(words[5])) options.group = static_cast<gid_t>(*group);
  options.memory = parse_number(words[6]);
  options.pids = parse_number(words[7]);
  options.annotations = words[8] == kAnnotations;
  return options;
}

// By a relative name: a socket's path holds 107 bytes, a session's may be longer.
host::Fd listen_in(const Options& options) {
  if (::chdir(options.directory.c_str()) != 0) throw failed("enter the session's directory");
  host::Fd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  ::fcntl(listener.get(), F_SETFD, FD_CLOEXEC);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, kSocketName, sizeof address.sun_path - 1);
  const auto mask = ::umask(0177);
  const bool bound = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::umask(mask);
  if (!bound || ::listen(listener.get(), 64) != 0) throw failed("listen");
  if (::geteuid() == 0 && ::chown(kSocketName, options.uid, options.gid) != 0)
    throw failed("hand over its socket");
  return listener;
}

void become(const Options& options) {
  if (::geteuid() == 0) {
    const gid_t group = options.group.value_or(options.gid);
    if (::setgroups(1, &group) != 0 || ::setgid(options.gid) != 0 || ::setuid(options.uid) != 0)
      throw failed("become the jail's user");
  }
  host::seal_own_process();
}

void say(std::string_view text) { [[maybe_unused]] const auto count = ::write(1, text.data(), text.size()); }

// Whether jailed is gone, after so long at most.
bool is_jailed_gone(std::chrono::milliseconds patience) {
  pollfd input{0, POLLIN, 0};
  return ::poll(&input, 1, static_cast<int>(patience.count())) > 0;
}

// Whether a client waits; not, once jailed is gone.
bool wait_for_client(int listener) {
  while (true) {
    std::array<pollfd, 2> fds = {pollfd{listener, POLLIN, 0}, pollfd{0, POLLIN, 0}};
    const int ready = ::poll(fds.data(), fds.size(), -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0 || fds[1].revents != 0) return false;
    if (fds[0].revents != 0) return true;
  }
}

// So many that there is always a descriptor left for the removal at the end.
int most_connections() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return kMostConnections;
  const auto room = (static_cast<long long>(files.rlim_cur) - kFilesBeside) / kFilesOfConnection;
  return static_cast<int>(std::clamp<long long>(room, 1, kMostConnections));
}

// Serves it in a thread of its own. False when there is no room for one: then the connection is closed.
bool begin(Shared& shared, Context& context, std::atomic<int>& connections, host::Fd client) {
  try {
    Socket socket(context, boost::asio::local::stream_protocol(), client.get());
    static_cast<void>(client.release());
    ++connections;
    try {
      std::thread([&shared, &connections, socket = std::move(socket)]() mutable {
        serve_connection(shared, std::move(socket));
        --connections;
      }).detach();
    } catch (...) {
      --connections;
      throw;
    }
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

// Until jailed is gone. What fails here fails for one client, and the next one is waited for: after a pause when it was for
// want of descriptors, memory or threads, or the same client would be tried again and again.
void accept_clients(Shared& shared, Context& context, std::atomic<int>& connections, int listener) {
  const int most = most_connections();
  while (wait_for_client(listener)) {
    host::Fd client(::accept(listener, nullptr, nullptr));
    const bool gone_already = !client && (errno == EINTR || errno == ECONNABORTED || errno == EAGAIN);
    if (gone_already || (client && connections >= most)) continue;
    ::fcntl(client.get(), F_SETFD, FD_CLOEXEC);
    if (client && begin(shared, context, connections, std::move(client))) continue;
    if (is_jailed_gone(kPauseWithoutRoom)) return;
  }
}

// What the jail has made.
Owned end(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  shared.ending = true;
  shared.idle.wait_for(lock, kLastChanges, [&] { return shared.changes == 0; });
  for (const int fd : shared.open) ::shutdown(fd, SHUT_RDWR);
  return shared.owned;
}

}  // namespace

core::Command command(const Options& options, const std::string& program) {
  return {program,
          {kSubcommand, options.directory, options.upstream, options.session, std::to_string(options.uid),
           std::to_string(options.gid), options.group ? std::to_string(*options.group) : "-",
           number_or_dash(options.memory), number_or_dash(options.pids), options.annotations ? kAnnotations : "-"},
          {}};
}

int serve(const std::vector<std::string>& arguments) {
  try {
    ::setsid();  // a terminal's Ctrl-C is for the jail
    for (const int signal : {SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGPIPE}) std::signal(signal, SIG_IGN);
    const auto options = parse(arguments);
    const auto listener = listen_in(options);
    Context context;
    const auto upstream = host::held_in_reach(options.upstream);  // once root's directories are not
    if (upstream.empty()) throw failed("reach the engine's socket");
    Shared shared({options.session, options.memory, options.pids, options.annotations}, Upstream(context, upstream));
    become(options);
    shared.engine.connect();  // fails here rather than in the jail
    say("ready\n");
    std::atomic<int> connections = 0;  // known to the threads until the process ends
    accept_clients(shared, context, connections, listener.get());
    const auto made = end(shared);
    const bool clean = remove_siblings(shared.engine, options.session, made);
    if (clean) ::unlink(kSocketName);
    ::_exit(clean ? 0 : core::kFailed);  // connections have threads of their own
  } catch (const std::exception& error) {
    say(error.what());
    return core::kFailed;
  }
}

}  // namespace jailed::socket_proxy
