#include <algorithm>
#include <jailed/core/error.hpp>
#include <jailed/plan/network/sidecar.hpp>
#include <jailed/plan/settings/settings.hpp>

namespace jailed::plan {
namespace {

constexpr std::uint64_t kSidecarMiB = std::uint64_t{1} << 20;
constexpr const char* kProxyUrl = "http://127.0.0.1:3128";
constexpr const char* kNoProxy = "localhost,127.0.0.1,::1";
constexpr const char* kJavaOptions =
    "-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=3128 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=3128 "
    "-Dhttp.nonProxyHosts=localhost|127.*|[::1]";

// Names that proxies go by; none of the caller's means anything in a jail without an interface.
bool is_proxy_name(std::string_view name) {
  static constexpr std::string_view names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ftp_proxy",
                                               "FTP_PROXY",  "all_proxy",  "ALL_PROXY",   "no_proxy",    "NO_PROXY"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_given(const core::Settings& settings, std::string_view name) {
  return std::any_of(settings.env.begin(), settings.env.end(),
                     [&](std::string_view entry) { return entry.substr(0, entry.find('=')) == name; });
}

[[noreturn]] void refuse_combination(const core::Settings& settings, const std::string& what, const std::string& next_step) {
  const auto mode = settings.network == core::Network::none ? "none" : settings.network == core::Network::observe ? "observe" : "restricted";
  throw core::UsageError(std::string("--network ") + mode + " does not go with " + what, next_step);
}

}  // namespace

bool has_sidecar(const core::Settings& settings) {
  return settings.network == core::Network::restricted || settings.network == core::Network::observe;
}

std::vector<core::EnvVar> proxy_variables() {
  std::vector<core::EnvVar> variables;
  for (const auto* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}) variables.push_back({name, kProxyUrl});
  for (const auto* name : {"NO_PROXY", "no_proxy"}) variables.push_back({name, kNoProxy});
  variables.push_back({"NODE_USE_ENV_PROXY", "1"});  // Node's own fetch
  variables.push_back({"JAVA_TOOL_OPTIONS", kJavaOptions});
  return variables;
}

void close_network(Jail& jail, const core::Settings& settings, const std::string& session) {
  if (settings.network == core::Network::open) return;
  jail.network = false;
  auto& environment = jail.environment;
  std::erase_if(environment.names, [&](const auto& name) { return is_proxy_name(name) && !is_given(settings, name); });
  if (!has_sidecar(settings)) return;
  jail.binds.push_back({NetworkPaths(session).socket, "/etc/jailed/network", true});
  for (auto& variable : proxy_variables()) {
    if (!is_given(settings, variable.name)) environment.constants.push_back(std::move(variable));
  }
}

Jail sidecar_of(const Jail& jail, const core::Settings& settings, const std::string& session) {
  const NetworkPaths paths(session);
  Jail sidecar;
  sidecar.id = jail.id;
  sidecar.role = kSidecarRole;
  sidecar.project = jail.project;
  sidecar.owner = jail.owner;
  sidecar.image = jail.image;
  sidecar.user = jail.user;
  sidecar.identity = jail.identity;
  sidecar.limits = {.memory = 256 * kSidecarMiB, .pids = 64, .cpus = {}, .tmpfs_scale = 256 * kSidecarMiB, .tmp = 64 * kSidecarMiB,
                    .home = 64 * kSidecarMiB, .shm = 64 * kSidecarMiB, .files = std::min<std::uint64_t>(jail.limits.files, 8192),
                    .user_processes = jail.limits.user_processes};
  sidecar.binds = {{session + "/passwd", "/etc/passwd", true},
                   {session + "/group", "/etc/group", true},
                   {paths.lease, "/etc/jailed/lease", true},
                   {paths.socket, "/etc/jailed/sidecar", false},
                   {paths.policy, "/etc/jailed/policy", true},
                   {paths.log, "/etc/jailed/log", false}};
  sidecar.tmpfs = {{.target = "/tmp", .size = 64 * kSidecarMiB}, {.target = "/run", .size = 16 * kSidecarMiB}};
  sidecar.environment.constants = {{"HOME", "/tmp"}};
  sidecar.seccomp = jail.seccomp;
  sidecar.command = {"/usr/libexec/jailed/sidecar", "/etc/jailed/policy", "/etc/jailed/sidecar/proxy.sock", "/etc/jailed/log/log"};
  if (settings.network == core::Network::observe) sidecar.command.emplace_back("observe");
  return sidecar;
}

void check_network(const core::Settings& settings, const Engine& engine, bool engine_in_a_virtual_machine) {
  if (settings.network != core::Network::open && settings.reuse)
    refuse_combination(settings, "--reuse: a jail that runs has the network that it was started with.", "enter that one: jailed shell    or leave out --reuse");
  if (!has_sidecar(settings)) {
    if (!settings.allow_hosts.empty() || !settings.allow_sets.empty() || !settings.deny_hosts.empty())
      throw core::UsageError("--allow HOST, --allow-set and --deny are about --network restricted.", "add it: --network restricted");
    return;
  }
  if (!engine.reach.mounts) refuse_combination(settings, "an engine on another machine yet.", "take one of this machine, or --network none");
  if (engine_in_a_virtual_machine)
    refuse_combination(settings, "an engine in a virtual machine: sockets do not cross into it.", "leave it open, or --network none");
  if (settings.sandbox && !on_host_kernel(settings.sandbox))
    refuse_combination(settings, "--sandbox " + settings.sandbox->value + ": no socket can be mounted there.", "leave out --sandbox, or --network none");
  if (settings.testcontainers != core::Testcontainers::off)
    refuse_combination(settings, "--testcontainers: the containers that it starts would be on an open network.", "leave out one of the two");
  if (settings.detach) refuse_combination(settings, "--detach yet: the proxy ends with this jailed, the jail does not.", "leave out --detach, and keep this terminal open");
}

}  // namespace jailed::plan
