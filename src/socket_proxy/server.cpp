#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <jailed/core/error.hpp>
#include <jailed/host/fd.hpp>
#include <jailed/socket_proxy/cleanup.hpp>
#include <jailed/socket_proxy/connection.hpp>
#include <jailed/socket_proxy/server.hpp>
#include <thread>

#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace jailed::socket_proxy {
namespace {

constexpr int kMostConnections = 128;
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
  if (words.size() != 8) throw core::Error("The proxy for the engine's socket is jailed's own to start.");
  Options options;
  options.directory = words[0];
  options.upstream = words[1];
  options.session = words[2];
  options.uid = static_cast<uid_t>(parse_number(words[3]).value_or(65534));
  options.gid = static_cast<gid_t>(parse_number(words[4]).value_or(65534));
  if (const auto group = parse_number(words[5])) options.group = static_cast<gid_t>(*group);
  options.memory = parse_number(words[6]);
  options.pids = parse_number(words[7]);
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

// The path by which the engine's socket stays in reach once root's directories are not.
std::string reachable(const std::string& path) {
#ifdef O_PATH
  const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) throw failed("reach the engine's socket");
  return fmt::format("/proc/self/fd/{}", fd);
#else
  return path;
#endif
}

void become(const Options& options) {
  if (::geteuid() == 0) {
    const gid_t group = options.group.value_or(options.gid);
    if (::setgroups(1, &group) != 0 || ::setgid(options.gid) != 0 || ::setuid(options.uid) != 0)
      throw failed("become the jail's user");
  }
#ifdef __linux__
  // Another process of that user must not take over what this one may do.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#endif
}

void say(std::string_view text) { [[maybe_unused]] const auto count = ::write(1, text.data(), text.size()); }

// Whether a client waits; not, once jailed is gone.
bool wait_for_client(int listener) {
  while (true) {
    std::array<pollfd, 2> fds = {pollfd{listener, POLLIN, 0}, pollfd{0, POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return false;
    if (fds[1].revents != 0) return false;
    if (fds[0].revents != 0) return true;
  }
}

void accept_clients(Shared& shared, Context& context, int listener) {
  std::atomic<int> connections = 0;
  while (wait_for_client(listener)) {
    host::Fd client(::accept(listener, nullptr, nullptr));
    if (!client || connections >= kMostConnections) continue;
    ++connections;
    Socket socket(context, boost::asio::local::stream_protocol(), ::dup(client.get()));
    std::thread([&shared, &connections, socket = std::move(socket)]() mutable {
      serve_connection(shared, std::move(socket));
      --connections;
    }).detach();
  }
}

void end(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  shared.ending = true;
  shared.idle.wait_for(lock, kLastChanges, [&] { return shared.changes == 0; });
  for (const int fd : shared.open) ::shutdown(fd, SHUT_RDWR);
}

}  // namespace

core::Command command(const Options& options, const std::string& program) {
  return {program,
          {kSubcommand, options.directory, options.upstream, options.session, std::to_string(options.uid),
           std::to_string(options.gid), options.group ? std::to_string(*options.group) : "-",
           number_or_dash(options.memory), number_or_dash(options.pids)},
          {}};
}

int serve(const std::vector<std::string>& arguments) {
  try {
    ::setsid();  // a terminal's Ctrl-C is for the jail
    for (const int signal : {SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGPIPE}) std::signal(signal, SIG_IGN);
    const auto options = parse(arguments);
    const auto listener = listen_in(options);
    Context context;
    Shared shared({options.session, options.memory, options.pids},
                  Upstream(context, reachable(options.upstream)));
    become(options);
    shared.engine.connect();  // fails here rather than in the jail
    say("ready\n");
    accept_clients(shared, context, listener.get());
    end(shared);
    const bool clean = remove_siblings(shared.engine, options.session);
    if (clean) ::unlink(kSocketName);
    ::_exit(clean ? 0 : core::kFailed);  // connections have threads of their own
  } catch (const std::exception& error) {
    say(error.what());
    return core::kFailed;
  }
}

}  // namespace jailed::socket_proxy
