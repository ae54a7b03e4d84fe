#pragma once
#include <jailed/host/process/companion.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <string>
#include <vector>

namespace jailed::engine {

/// Of one session: its directory; where the FIFO is to be that the sidecar mounts as its lease, and the one by which the jail says that it
/// wants the sidecar now; what the sidecar makes once it works.
struct SidecarFiles {
  std::string session, lease, knock, sign;
};

/// A container beside a jail, kept by a process of its own beside jailed: it is started when the jail knocks, or a moment after that began, so a
/// jail that ends by then costs none; nobody but who knocks waits for its start; it is started again when it ends, and it ends with this object, as with jailed, however that ends. A sidecar reads a lease of its own, which that process holds, so it
/// goes when that one is killed, too.
class Sidecar {
 public:
  /// Returns at once.
  Sidecar(const SidecarFiles& files, const plan::Engine& engine, const plan::Jail& sidecar);

  /// Ends it and waits until it is gone. Empty when it worked, else why it never did: what the engine or the sidecar said last.
  std::string end();

  /// The hidden subcommand of that process.
  static constexpr const char* kSubcommand = "__sidecar";
  static int serve(const std::vector<std::string>& arguments);

 private:
  SidecarFiles files_;
  host::Companion keeper_;
};

}  // namespace jailed::engine
