#pragma once
#include <sys/types.h>

#include <cstdint>
#include <jailed/core/command.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::socket_proxy {

/// The word by which jailed starts itself as a proxy.
inline constexpr const char* kSubcommand = "__socket-proxy";

/// The socket's name in the session's directory.
inline constexpr const char* kSocketName = "docker.sock";

/// One proxy, for one jail.
struct Options {
  std::string directory;  // of the session; the socket is made there
  std::string upstream;   // the engine's socket
  std::string session;
  uid_t uid = 0;  // who uses the socket; a proxy that root starts becomes this user
  gid_t gid = 0;
  std::optional<gid_t> group;  // the engine's socket's, where it needs one
  std::optional<std::uint64_t> memory;
  std::optional<std::uint64_t> pids;
  bool annotations = false;  // the engine gives a container the annotations of its image
};

core::Command command(const Options& options, const std::string& program);

/// The proxy itself. Listens, says "ready" on its output, and serves until its input ends, which is when
/// jailed ends, however it ends. Then it takes no more calls, removes what the jail made, and closes its
/// output. Before "ready", an output of other words is the reason of a failure.
int serve(const std::vector<std::string>& arguments);

}  // namespace jailed::socket_proxy
