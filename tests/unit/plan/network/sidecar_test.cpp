#include <jailed/core/error.hpp>
#include <jailed/plan/network/sidecar.hpp>

#include <algorithm>

#include "catch.hpp"

using namespace jailed::plan;
using jailed::core::Named;
using jailed::core::Network;
using jailed::core::Settings;
using jailed::core::Testcontainers;
using jailed::core::UsageError;

namespace {

const Engine kDocker{EngineKind::docker, "docker", false};

Settings with_network(Network network) {
  Settings settings;
  settings.network = network;
  return settings;
}

Jail some_jail() {
  Jail jail;
  jail.id = "0123456789ab";
  jail.project = "/src/app";
  jail.image = "jailed:latest";
  jail.identity = {1000, 1000};
  jail.seccomp = "/s/seccomp.json";
  jail.environment.names = {"HTTPS_PROXY", "no_proxy", "TERM", "ANTHROPIC_API_KEY"};
  return jail;
}

bool has(const std::vector<std::string>& args, const std::string& flag, const std::string& value) {
  for (std::size_t i = 0; i + 1 < args.size(); ++i) {
    if (args[i] == flag && args[i + 1] == value) return true;
  }
  return false;
}

std::string joined(const std::vector<std::string>& args) {
  std::string text;
  for (const auto& arg : args) text += arg + "\n";
  return text;
}

}  // namespace

TEST_CASE("a restricted jail has a socket in place of an interface, and the proxy in its environment", "[plan]") {
  auto jail = some_jail();
  const auto settings = with_network(Network::restricted);
  close_network(jail, settings, "/s");
  const auto args = run_command(kDocker, jail).args;
  CHECK(has(args, "--network", "none"));
  CHECK(has(args, "--mount", "type=bind,source=/s/network,target=/etc/jailed/network,readonly"));
  for (const auto* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}) CHECK(has(args, "-e", std::string(name) + "=http://127.0.0.1:3128"));
  CHECK(has(args, "-e", "NODE_USE_ENV_PROXY=1"));
  // The caller's own lead nowhere here.
  CHECK_FALSE(has(args, "-e", "HTTPS_PROXY"));
  CHECK(has(args, "-e", "TERM"));
}

TEST_CASE("what the user sets beats the proxy's variables", "[plan]") {
  auto jail = some_jail();
  auto settings = with_network(Network::restricted);
  settings.env = {"HTTPS_PROXY"};
  close_network(jail, settings, "/s");
  const auto args = run_command(kDocker, jail).args;
  CHECK(has(args, "-e", "HTTPS_PROXY"));
  CHECK_FALSE(has(args, "-e", "HTTPS_PROXY=http://127.0.0.1:3128"));
}

TEST_CASE("without a network there is no socket either, and open is as it always was", "[plan]") {
  auto jail = some_jail();
  close_network(jail, with_network(Network::none), "/s");
  CHECK(has(run_command(kDocker, jail).args, "--network", "none"));
  CHECK(joined(run_command(kDocker, jail).args).find("/etc/jailed/network") == std::string::npos);
  auto open = some_jail();
  close_network(open, with_network(Network::open), "/s");
  CHECK(run_command(kDocker, open) == run_command(kDocker, some_jail()));
}

TEST_CASE("the sidecar is as locked down as the jail, and has nothing of it", "[plan]") {
  auto jail = some_jail();
  const auto settings = with_network(Network::restricted);
  jail.labels = {"jailed.sync=mutagen"};
  jail.binds = {{"/src/app", "/src/app", false}};
  jail.env_file = "/s/env";
  jail.groups = {999};
  close_network(jail, settings, "/s");
  const auto sidecar = sidecar_of(jail, settings, "/s");
  CHECK(container_name(sidecar) == "jailed-app-0123456789ab-network");
  const auto args = run_command(kDocker, sidecar).args;
  const auto text = joined(args);
  CHECK(has(args, "--cap-drop", "ALL"));
  CHECK(has(args, "--security-opt", "no-new-privileges"));
  CHECK(has(args, "--security-opt", "seccomp=/s/seccomp.json"));
  CHECK(has(args, "--user", "1000:1000"));
  CHECK(std::find(args.begin(), args.end(), "--read-only") != args.end());
  CHECK(has(args, "--memory", "268435456"));
  CHECK(has(args, "--pids-limit", "64"));
  CHECK(has(args, "--label", "jailed.session=0123456789ab"));
  CHECK(has(args, "--label", "jailed.role=network"));
  CHECK_FALSE(has(args, "--network", "none"));
  for (const auto* word : {"/src/app,", "ANTHROPIC", "TERM", "--env-file", "--group-add", "jailed.sync", "HTTPS_PROXY"}) {
    INFO(word);
    CHECK(text.find(word) == std::string::npos);
  }
}

TEST_CASE("what --network does not go with yet is said", "[plan]") {
  auto settings = with_network(Network::restricted);
  CHECK_NOTHROW(check_network(settings, kDocker, false));
  CHECK_THROWS_AS(check_network(settings, kDocker, true), UsageError);
  auto remote = kDocker;
  remote.reach.mounts = false;
  CHECK_THROWS_AS(check_network(settings, remote, false), UsageError);
  settings.sandbox = Named{"runsc", "--sandbox"};
  CHECK_THROWS_AS(check_network(settings, kDocker, false), UsageError);
  settings.sandbox.reset();
  settings.detach = true;
  CHECK_THROWS_AS(check_network(settings, kDocker, false), UsageError);
  settings.detach = false;
  settings.testcontainers = Testcontainers::proxy;
  CHECK_THROWS_AS(check_network(settings, kDocker, false), UsageError);
  settings = with_network(Network::none);
  CHECK_NOTHROW(check_network(settings, remote, true));
  settings.reuse = true;
  CHECK_THROWS_AS(check_network(settings, kDocker, false), UsageError);
  // Hosts without a network that they could be about.
  auto open = with_network(Network::open);
  CHECK_NOTHROW(check_network(open, remote, true));
  open.allow_hosts = {{"example.org", "--allow"}};
  CHECK_THROWS_AS(check_network(open, kDocker, false), UsageError);
}
