#include <algorithm>
#include <jailed/core/agent.hpp>
#include <jailed/core/version.hpp>
#include <jailed/plan/build/build.hpp>
#include <jailed/plan/jail/seccomp.hpp>
#include <jailed/plan/settings/settings.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::plan;
using jailed::core::Environment;
using jailed::core::UsageError;
using jailed::test::error_of;
using jailed::test::giving;

namespace jailed::plan {
std::ostream& operator<<(std::ostream& out, const BuildStep& step) {
  return out << step.number << "/" << step.total << " " << step.name << (step.runs ? " (runs)" : "");
}
}  // namespace jailed::plan

namespace {

using Words = std::vector<std::string>;

const Engine kDocker{EngineKind::docker, "/usr/bin/docker", false};
const Engine kPodman{EngineKind::podman, "/usr/bin/podman", true};

const Words kAllAgents = {"claude", "opencode", "aider", "kimi", "gemini", "codex", "copilot"};

BuildRequest resolve(const jailed::core::Invocation& invocation) {
  return resolve_build(resolve_settings(invocation, Environment(std::map<std::string, std::string>{{"HOME", "/h"}})));
}

BuildRequest some_request() {
  BuildRequest request;
  request.image = "me/jailed:1";
  request.user = "coder";
  request.agents = {"claude", "aider"};
  request.toolchains = {"node", "python"};
  return request;
}

std::string digest_label() { return "jailed.locks=" + std::string(image_context_digest()); }
std::string profile_label() { return "io.containers.seccomp.profile=" + seccomp_label(); }
std::string version_label() { return std::string("jailed.version=") + jailed::core::kVersion; }

}  // namespace

TEST_CASE("a build of everything is the default", "[plan]") {
  const auto request = resolve(giving({}));
  CHECK(request.image == "jailed:latest");
  CHECK(request.user == "coder");
  CHECK(request.base == "debian:trixie-slim");
  CHECK(request.agents == kAllAgents);
  CHECK(request.toolchains == Words{"rust", "node", "python", "go"});
  CHECK(request.ca_cert == std::nullopt);
  CHECK_FALSE(request.update);
  CHECK_FALSE(request.no_cache);
  CHECK_FALSE(request.pull);
}

TEST_CASE("what was chosen, in the table's order, each once", "[plan]") {
  const auto request = resolve(giving({{"name", "me"},
                                       {"base", "localhost:5000/debian:13"},
                                       {"agents", "codex, claude,codex"},
                                       {"toolchains", "none"},
                                       {"ca-cert", "/ca.pem"},
                                       {"update", "true"},
                                       {"no-cache", "true"},
                                       {"pull", "true"}}));
  CHECK(request.user == "me");
  CHECK(request.base == "localhost:5000/debian:13");
  CHECK(request.agents == Words{"claude", "codex"});
  CHECK(request.toolchains == Words{});
  CHECK(request.ca_cert == "/ca.pem");
  CHECK(request.update);
  CHECK(request.no_cache);
  CHECK(request.pull);
}

TEST_CASE("a build that cannot be meant", "[plan]") {
  const auto refusal = [](const std::string& setting, const std::string& value) {
    return error_of([&] { resolve(giving({{setting, value}})); });
  };
  CHECK(refusal("agents", "claude,cursor") ==
        UsageError("--agents: unknown name 'cursor'.",
                   "choose from: claude,opencode,aider,kimi,gemini,codex,copilot, or none"));
  CHECK(refusal("agents", "claude,none") ==
        UsageError("--agents: unknown name 'none'.",
                   "choose from: claude,opencode,aider,kimi,gemini,codex,copilot, or none"));
  CHECK(refusal("agents", "") ==
        UsageError("--agents: no name given.",
                   "choose from: claude,opencode,aider,kimi,gemini,codex,copilot, or none"));
  CHECK(refusal("toolchains", ",") ==
        UsageError("--toolchains: no name given.", "choose from: rust,node,python,go, or none"));
  CHECK(refusal("toolchains", "Rust") ==
        UsageError("--toolchains: unknown name 'Rust'.", "choose from: rust,node,python,go, or none"));
  CHECK(refusal("name", "root") ==
        UsageError("--name: 'root' is not a user name.",
                   "a lower-case letter or _, then up to 31 of a-z 0-9 _ -; not root"));
  CHECK(refusal("base", "--x y") ==
        UsageError("--base: '--x y' is not an image reference such as debian:trixie-slim."));
}

TEST_CASE("docker's whole build command", "[plan]") {
  const auto command = build_command(
      kDocker, some_request(), {.context_dir = "/c", .versions = {{"claude", "2.1"}, {"codex", "9"}}}, {});
  CHECK(jailed::core::shell_line(command).starts_with("/usr/bin/docker "));
  CHECK(command.args == Words{"build", "--force-rm", "--tag", "me/jailed:1", "--build-arg",
                              "BASE=debian:trixie-slim", "--build-arg", "JAILED_USER=coder", "--label",
                              version_label(), "--label", "jailed.base=debian:trixie-slim", "--label",
                              "jailed.agents=claude=2.1 aider=unknown", "--label",
                              "jailed.toolchains=node python", "--label", digest_label(), "--label", profile_label(), "/c"});
  CHECK(command.env.empty());
}

TEST_CASE("podman's whole build command, with everything on", "[plan]") {
  auto request = some_request();
  request.no_cache = request.pull = request.update = true;
  const Environment host(std::map<std::string, std::string>{
      {"HTTPS_PROXY", "http://user:secret@p:1"}, {"no_proxy", "x"}, {"http_proxy", ""}});
  const auto command = build_command(
      kPodman, request, {.context_dir = "/c", .tag = false, .versions = {}, .update_token = "77"}, host);
  CHECK(jailed::core::shell_line(command).starts_with("/usr/bin/podman "));
  CHECK(command.args == Words{"build",       "--force-rm",
                              "--format",    "docker",
                              "--build-arg", "BASE=debian:trixie-slim",
                              "--build-arg", "JAILED_USER=coder",
                              "--build-arg", "UPDATE=77",
                              "--build-arg", "HTTPS_PROXY",
                              "--build-arg", "no_proxy",
                              "--label",     version_label(),
                              "--label",     "jailed.base=debian:trixie-slim",
                              "--label",     "jailed.agents=claude=unknown aider=unknown",
                              "--label",     "jailed.toolchains=node python",
                              "--label",     digest_label(),
                              "--label",     profile_label(),
                              "--no-cache",  "--pull",
                              "/c"});
}

TEST_CASE("a block of the Dockerfile stays when one of its words was chosen", "[plan]") {
  const std::string file =
      "FROM x\n"
      "# a comment\n"
      "# when rust\n"
      "RUN rust\n"
      "# end\n"
      "# when claude codex\n"
      "RUN either\n"
      "\n"
      "# end\n"
      "RUN always\n"
      "# when aider\n"
      "RUN aider";
  BuildRequest request;
  request.agents = {"codex"};
  CHECK(dockerfile_for(request, file) == "FROM x\n# a comment\nRUN either\n\nRUN always\n");
  request.agents = {};
  CHECK(dockerfile_for(request, file) == "FROM x\n# a comment\nRUN always\n");
  request.agents = {"aider"};
  request.toolchains = {"rust"};
  CHECK(dockerfile_for(request, file) == "FROM x\n# a comment\nRUN rust\nRUN always\nRUN aider\n");
}

TEST_CASE("the real Dockerfile has a layer for each agent and toolchain, and none that was not asked for",
          "[plan]") {
  const auto context = image_context();
  const auto file =
      std::find_if(context.begin(), context.end(), [](const auto& f) { return f.path == "Dockerfile"; });
  REQUIRE(file != context.end());
  const auto installs = [&](const BuildRequest& request, const std::string& name) {
    return ("\n" + dockerfile_for(request, file->content)).find("/install/agent " + name + "\n") !=
           std::string::npos;
  };
  for (const auto& only : kAllAgents) {
    BuildRequest request;
    request.agents = {only};
    for (const auto& agent : kAllAgents) CHECK(installs(request, agent) == (agent == only));
  }
  const auto begins = [](std::string_view text, std::string_view word) {
    std::size_t count = 0;
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) ++count;
    return count;
  };
  CHECK(begins(file->content, "\n# when ") == begins(file->content, "\n# end\n"));
  CHECK(dockerfile_for({}, file->content).find("\n# when") == std::string::npos);
}

TEST_CASE("the context's locks name one exact version of each agent", "[plan]") {
  const auto versions = locked_versions(image_context());
  Words names;
  for (const auto& [name, version] : versions) {
    names.push_back(name);
    CAPTURE(name, version);
    CHECK(version.find_first_not_of("0123456789.") == std::string::npos);
    CHECK(std::count(version.begin(), version.end(), '.') >= 1);
  }
  auto all = kAllAgents;
  std::sort(all.begin(), all.end());
  CHECK(names == all);
}

TEST_CASE("versions come from package.json and requirements.txt", "[plan]") {
  const ContextFile files[] = {
      {"agents/claude/package.json", R"({"dependencies": {"@anthropic-ai/claude-code": "1.2.3"}})"},
      {"agents/aider/requirements.txt",
       "aiohttp==3.0 \\\n    --hash=x\naider-chat==0.86.2 \\\n    --hash=sha256:y\n"},
      {"agents/codex/package-lock.json", "{}"}};
  CHECK(locked_versions(files) ==
        std::map<std::string, std::string>{{"aider", "0.86.2"}, {"claude", "1.2.3"}});
  const ContextFile first[] = {{"agents/aider/requirements.txt", "aider-chat==1.0 ; python_version > '3'\n"}};
  CHECK(locked_versions(first) == std::map<std::string, std::string>{{"aider", "1.0"}});
}

TEST_CASE("steps of docker's own builder", "[plan]") {
  CHECK(parse_build_step("Step 1/55 : ARG BASE=debian:trixie-slim") ==
        BuildStep{1, 55, "ARG BASE=debian:trixie-slim", false});
  CHECK(parse_build_step("Step 6/55 : RUN sh /opt/jailed/install/trust") == BuildStep{6, 55, "trust", true});
  CHECK(parse_build_step("Step 30/55 : RUN sh /opt/jailed/install/agent claude\r") ==
        BuildStep{30, 55, "agent claude", true});
  CHECK(parse_build_step("Step 3/9 : RUN apt-get update && x") ==
        BuildStep{3, 9, "apt-get update && x", true});
}

TEST_CASE("steps of BuildKit", "[plan]") {
  CHECK(parse_build_step("#4 [ 1/26] FROM docker.io/library/debian:trixie-slim") ==
        BuildStep{1, 26, "FROM docker.io/library/debian:trixie-slim", false});
  CHECK(parse_build_step("#10 [ 6/26] RUN sh /opt/jailed/install/system") ==
        BuildStep{6, 26, "system", true});
  CHECK(parse_build_step("#12 [26/26] RUN sh /opt/jailed/install/agent codex") ==
        BuildStep{26, 26, "agent codex", true});
  CHECK(parse_build_step("#7 [stage-1 3/20] COPY a /b") == BuildStep{3, 20, "COPY a /b", false});
}

TEST_CASE("steps of buildah", "[plan]") {
  CHECK(parse_build_step("STEP 1/29: FROM debian:trixie-slim") ==
        BuildStep{1, 29, "FROM debian:trixie-slim", false});
  CHECK(parse_build_step("STEP 9/29: RUN sh /opt/jailed/install/node") == BuildStep{9, 29, "node", true});
}

TEST_CASE("lines of a build that begin no step", "[plan]") {
  const std::string line = GENERATE(
      "", " ---> 1a2b3c", " ---> Running in 0123456789ab", "Successfully built 1a2b3c",
      "Sending build context to Docker daemon", "#1 [internal] load build definition from Dockerfile",
      "#4 DONE 0.0s", "#4 sha256:d3301c27", "#6 CACHED", "#", "#5 [", "#5 []", "#5 [a/b] RUN", "--> 5a1b2c3d",
      "COMMIT jailed:latest", "Step by step", "Step 1/: RUN x", "Step /2: RUN x", "Step 1/0 : RUN x",
      "Step 1/2", "Steps 1/2 : RUN x", "STEP 1 / 2: RUN x", "Get:1 x [1/2] y", "#7 1.2 [1/2] x");
  CAPTURE(line);
  CHECK(parse_build_step(line) == std::nullopt);
}

TEST_CASE("where a builder looks for the base image", "[plan]") {
  for (const auto* line : {"Step 2/33 : FROM ${BASE}", "STEP 1/33: FROM debian", "#4 [ 1/22] FROM docker.io/library/debian:trixie-slim",
                           "#3 [internal] load metadata for docker.io/library/no-such-base:1"})
    CHECK(is_base_wanted(line));
  for (const auto* line : {"Step 3/33 : RUN x", "#1 [internal] load build definition from Dockerfile", "FROM debian", "#3 ERROR: no such host", ""})
    CHECK_FALSE(is_base_wanted(line));
}

TEST_CASE("the image is written down after the last step", "[plan]") {
  CHECK(is_image_written("#30 exporting to image"));
  CHECK(is_image_written("COMMIT jailed:latest\r"));
  const std::string other = GENERATE("", "#", "exporting to image", "#30 exporting layers", "#30 exporting to image x", "COMMIT", "#7 1.2 COMMIT x");
  CAPTURE(other);
  CHECK_FALSE(is_image_written(other));
}

TEST_CASE("a step's name is short and safe to print", "[plan]") {
  const auto named = [](const std::string& instruction) {
    return parse_build_step("Step 1/2 : " + instruction)->name;
  };
  CHECK(named("ENV A=" + std::string(60, 'x')) == "ENV A=" + std::string(42, 'x') + "\xe2\x80\xa6");
  CHECK(named(std::string(48, 'x')) == std::string(48, 'x'));
  CHECK(named("LABEL a=\x1b[31m") == "LABEL a=\\033[31m");
  CHECK(named("LABEL " + std::string(41, 'x') + "\xc3\xa9\xc3\xa9") ==
        "LABEL " + std::string(41, 'x') + "\xe2\x80\xa6");
}

TEST_CASE("the line by which an agent's layer says its version", "[plan]") {
  const VersionChange kimi{"kimi", "2.1.0", "2.2.0"};
  CHECK(parse_version_line("jailed-version kimi 2.1.0 2.2.0") == kimi);
  CHECK(parse_version_line("#17 1.942 jailed-version kimi 2.1.0 2.2.0") == kimi);
  CHECK(parse_version_line("jailed-version kimi 2.1.0 2.2.0\r") == kimi);
  const std::string other = GENERATE(
      "", "jailed-version", "jailed-version kimi", "jailed-version kimi 1 ", "jailed-version kimi 1 2 3",
      "jailed-version nobody 1 2", "Step 9/9 : RUN echo jailed-version kimi 1 2",
      "echo \"jailed-version kimi 1 2\"", "+ echo jailed-version kimi 1 2", "jailed-versions kimi 1 2",
      "jailed-version kimi 1 2\x1b[2J", "jailed-version kimi 1 " + std::string(101, '2'));
  CAPTURE(other);
  CHECK(parse_version_line(other) == std::nullopt);
}
