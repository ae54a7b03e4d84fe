#include <jailed/core/agent.hpp>
#include <jailed/plan/network/sets.hpp>

#include <algorithm>

#include "catch.hpp"

using namespace jailed::plan;

namespace {

std::vector<std::string> in_file(std::string_view path, std::string_view text) {
  std::vector<std::string> hosts;
  for (const auto& file : registry_files()) {
    if (file.path != path) continue;
    for (const auto& rule : registries_in(file, text)) hosts.push_back(host_rule_text(rule));
  }
  return hosts;
}

std::vector<std::string> of_remotes(std::string_view text) {
  std::vector<std::string> hosts;
  for (const auto& rule : remote_hosts(text)) hosts.push_back(host_rule_text(rule));
  return hosts;
}

using Hosts = std::vector<std::string>;

}  // namespace

TEST_CASE("registries are those that the tools' own files name", "[plan]") {
  CHECK(in_file(".npmrc", "# https://comment.example\nproxy=http://proxy.example\n registry = https://npm.example/\n@me:registry=https://mine.example/npm\n"
                          "//npm.example/:_authToken=x") == Hosts{"npm.example", "mine.example"});
  CHECK(in_file(".config/pip/pip.conf", "[global]\nindex-url = https://u:p@pypi.example/simple\nextra-index-url=https://more.example\nproxy = http://proxy.example\n") ==
        Hosts{"pypi.example", "more.example"});
  CHECK(in_file(".cargo/config.toml", "[source.mirror]\nregistry = \"sparse+https://crates.example/\"\n[http]\nproxy = \"http://proxy.example\"\n") == Hosts{"crates.example"});
  CHECK(in_file(".config/go/env", "GOPROXY=https://go.example,https://second.example,direct\nGONOSUMDB=https://no.example\n") == Hosts{"go.example", "second.example"});
  CHECK(in_file(".m2/settings.xml", "<settings xmlns=\"http://xmlns.example\"><!-- <url>https://old.example</url> --><mirror><url>https://maven.example/x</url></mirror></settings>") ==
        Hosts{"maven.example"});
  CHECK(in_file("/etc/apt/sources.list.d/debian.sources", "Types: deb\nURIs: http://deb.example/debian\n# URIs: http://src.example\n") == Hosts{"deb.example:80"});
  CHECK(in_file("/etc/apt/sources.list", "deb https://apt.example/ stable main\n#deb http://old.example/ x\n") == Hosts{"apt.example"});
}

TEST_CASE("a repository's remotes are hosts by https alone", "[plan]") {
  CHECK(of_remotes("[remote \"origin\"]\n\turl = https://user:token@git.example/me/app.git\n[remote \"b\"]\n url = git@ssh.example:me/app\n pushurl = ssh://git@push.example:2222/x\n"
                   "[remote \"c\"]\n url = /srv/repos/app\n[remote \"d\"]\n url = ../sibling:x\n[branch \"main\"]\n remote = origin\n[http]\n proxy = https://proxy.example\n") ==
        Hosts{"git.example", "ssh.example", "push.example"});
  CHECK(of_remotes("[remote \"x\"]\n url = https://127.0.0.1/x\n url = git@localhost:x\n url = ext::sh -c x\n url = https://*.example.org/\n").empty());
}

TEST_CASE("an agent that is started gets its own hosts, a shell those of all", "[plan]") {
  CHECK(sets_for({"/usr/local/bin/claude", "-p", "x"}) == Hosts{"claude", "packages", "git"});
  CHECK(sets_for({}) == network_sets());
  CHECK(sets_for({"bash"}) == network_sets());
}

TEST_CASE("every agent has hosts, and each is one", "[plan]") {
  for (const auto& agent : jailed::core::agents()) {
    INFO(agent.name);
    CHECK_FALSE(agent_hosts(agent.name).empty());
  }
  CHECK(agent_hosts("nobody").empty());
}
