#pragma once
#include <jailed/core/engine_call.hpp>
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/build/image_context.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// What `jailed build` was asked for, complete.
struct BuildRequest {
  std::string image;
  std::string user;
  std::string base = "debian:trixie-slim";
  std::vector<std::string> agents;
  std::vector<std::string> toolchains;
  std::optional<std::string> ca_cert;  // path of a PEM file
  bool update = false, no_cache = false, pull = false;
};

BuildRequest resolve_build(const core::Settings& settings);

/// The Dockerfile without the blocks that nobody chose. A block is what stands between a line `# when WORD…`
/// and the next line `# end`; it stays when one of its words is an agent or toolchain of the request.
std::string dockerfile_for(const BuildRequest& request, std::string_view dockerfile);

/// Agent -> version as locked in the context: the exact version in agents/<name>/package.json or
/// requirements.txt.
std::map<std::string, std::string> locked_versions(std::span<const ContextFile> context);

/// The build call. `versions` becomes a label; without `tag` the image gets no name. `update_token` makes the
/// agents' layers take the newest versions, and not an earlier build's.
struct BuildCall {
  std::string context_dir;
  bool tag = true;
  std::map<std::string, std::string> versions;
  std::string update_token;
  std::string id_file = {};  // where the client writes the image's id; empty: nowhere
};
/// Removes a build's image that has no name; what other images share of it stays.
core::EngineCall remove_build_command(const Engine& engine, const std::string& id);

core::EngineCall build_command(const Engine& engine, const BuildRequest& request, const BuildCall& call,
                               const core::Environment& host);

/// Where a build is, read from the engine's log.
struct BuildStep {
  int number = 0;
  int total = 0;
  std::string name;   // the instruction, shortened to what a person wants to read
  bool runs = false;  // runs a program; the others take no time worth a line
  bool operator==(const BuildStep&) const = default;
};

/// A line that begins a step: "Step 3/20 : RUN x" (Docker's builder), "#7 [ 3/20] RUN x" (BuildKit; also
/// "[stage 3/20]"), "STEP 3/20: RUN x" (buildah).
std::optional<BuildStep> parse_build_step(std::string_view line);

/// A line that begins to look for the base image: the step with FROM, or BuildKit's "#3 [internal] load metadata for docker.io/x".
bool is_base_wanted(std::string_view line);

/// A line with which BuildKit or buildah begin to write the image down after the last step: the better part of a minute.
bool is_image_written(std::string_view line);

/// The line "jailed-version NAME OLD NEW" by which an agent's layer says what it installed, wherever it
/// stands in a log line (BuildKit puts "#7 1.2 " before it).
struct VersionChange {
  std::string agent, locked, installed;
  bool operator==(const VersionChange&) const = default;
};
std::optional<VersionChange> parse_version_line(std::string_view line);

}  // namespace jailed::plan
