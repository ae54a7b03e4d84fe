#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/files/atomic_file.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/work/network/network.hpp>

namespace jailed::work {
namespace {

// Of the sidecar's log, which is written anew after 4 MiB (docker/network/sidecar.c).
constexpr std::size_t kLongestNetworkLog = std::size_t{6} << 20;
constexpr std::size_t kLongestPolicy = std::size_t{4} << 20;
constexpr const char* kPolicyFile = "policy.json";

core::Error cannot_make(const std::string& path) {
  return core::Error(fmt::format("Cannot make {}: {}.", core::printable(path), std::strerror(errno)));
}

// The sidecar's user writes there, who for root is another one.
void make_network_directory(const std::string& path, plan::Identity owner, bool written) {
  if (::mkdir(path.c_str(), 0700) != 0 || (!written && ::chmod(path.c_str(), 0755) != 0)) throw cannot_make(path);
  if (written && ::geteuid() == 0 && ::lchown(path.c_str(), owner.uid, owner.gid) != 0) throw cannot_make(path);
}

}  // namespace

JailNetwork::JailNetwork(const core::Settings& settings, const PolicySources& sources, const plan::Engine& engine, const plan::Jail& jail,
                         const std::string& session)
    : session_(session), quiet_(settings.quiet) {
  if (!plan::has_sidecar(settings)) return;
  const plan::NetworkPaths paths(session);
  make_network_directory(paths.socket, jail.identity, true);
  make_network_directory(paths.log, jail.identity, true);
  make_network_directory(paths.policy, jail.identity, false);
  change_session_policy(session, policy_for(settings, sources));
  const auto sidecar = plan::sidecar_of(jail, settings, session);
  spdlog::debug("{}", core::shell_line(plan::run_command(engine, sidecar)));
  sidecar_.emplace(engine::SidecarFiles{session, paths.lease, paths.socket + "/knock", paths.socket + "/proxy.sock"}, engine, sidecar);
}

void JailNetwork::end() {
  if (!sidecar_) return;
  const auto said = sidecar_->end();
  sidecar_.reset();
  if (!said.empty()) {
    spdlog::error("The proxy of this jail's network did not run, so there was no network: {}", core::printable(said));
    spdlog::error("  where the image is older than this jailed, build it anew: jailed build");
  }
  if (quiet_) return;
  for (const auto& line : plan::refusal_lines(network_events(session_))) spdlog::warn("{}", line);
}

std::vector<plan::NetworkEvent> network_events(const std::string& session) {
  const plan::NetworkPaths paths(session);
  std::string text = host::read_below(paths.log, "log.1", kLongestNetworkLog).value_or("");
  text += host::read_below(paths.log, "log", kLongestNetworkLog).value_or("");
  return plan::parse_network_log(text);
}

std::optional<plan::NetworkPolicy> session_policy(const std::string& session) {
  const auto text = host::read_below(plan::NetworkPaths(session).policy, kPolicyFile, kLongestPolicy);
  return text ? plan::parse_policy(*text) : std::nullopt;
}

void change_session_policy(const std::string& session, const plan::NetworkPolicy& policy) {
  const plan::NetworkPaths paths(session);
  // A rename is what the sidecar waits for.
  host::replace_file(paths.policy + "/" + kPolicyFile, plan::format_policy(policy), 0644);
  host::replace_file(paths.policy + "/squid.conf", plan::squid_configuration(policy), 0644);
}

}  // namespace jailed::work
