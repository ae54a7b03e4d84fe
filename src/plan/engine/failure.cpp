#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <jailed/core/command.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <jailed/plan/engine/failure.hpp>
#include <jailed/plan/engine/traits.hpp>

namespace jailed::plan {
namespace {

using Kind = Failure::Kind;

// What stands in the way is in the client's own words: a name, a port, ssh's keys.
Failure remote_is_silent(const Engine& engine, std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return {Kind::daemon_down,
          fmt::format("The engine at {} does not answer: {}", shown_address(engine.endpoint),
                      core::printable(std::string(text.substr(text.rfind('\n') + 1)))),
          std::string(traits_of(engine).words.look_elsewhere)};
}

std::optional<Failure> recognise_here(const Engine& engine, std::string_view text, const std::string& image) {
  const auto said = core::lower_case(text);
  const auto has = [&](std::string_view words) { return said.find(words) != std::string::npos; };
  const auto& traits = traits_of(engine);
  if (says_engine_is_gone(text)) {
    return Failure{Kind::engine_gone, fmt::format("{} went away while the jail ran, and the jail ended with it.", traits.words.service),
                   "what it did to the project stays; when the engine is back, start it anew"};
  }
  // First: without its user's ids podman looks elsewhere for its images, and misses them.
  if (traits.words.of_setup) {
    if (auto failure = traits.words.of_setup(said)) return failure;
  }
  if (has("no such image") || has("image not known") || has("unable to find image")) {
    return Failure{Kind::image_missing, fmt::format("Image '{}' not found.", image), "run: jailed build"};
  }
  if (traits.words.of_service) {
    if (auto failure = traits.words.of_service(said, text)) return failure;
  }
  if (has("no space left on device")) {
    return Failure{Kind::disk_full, "The engine has no space left on its disk.",
                   fmt::format("see what takes it: {0} system df    free some: {0} system prune", traits.name)};
  }
  // Python's, curl's and Go's, Node's words.
  if (has("certificate verify failed") || has("certificate_verify_failed") || has("unable to get local issuer certificate") ||
      has("certificate signed by unknown authority") || has("self_signed_cert_in_chain")) {
    return Failure{Kind::certificate, "The build did not believe the certificate of a server: there may be a proxy with one of its own.",
                   "run: jailed build --ca-cert FILE    (a file in PEM with the proxy's certificate)"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Failure> recognise_failure(const Engine& engine, std::string_view text, const std::string& image) {
  const auto failure = recognise_here(engine, text, image);
  return failure && failure->kind == Kind::daemon_down && engine.reach == kAnotherMachine ? remote_is_silent(engine, text) : failure;
}

bool says_engine_is_gone(std::string_view text) {
  return core::lower_case(text).find("error waiting for container") != std::string::npos;
}

bool says_container_is_gone(std::string_view text) {
  const auto said = core::lower_case(text);
  for (const auto* words : {"no such container", "no such object", "is not running", "container state improper"}) {
    if (said.find(words) != std::string::npos) return true;
  }
  return false;
}

std::optional<Failure> recognise_sandbox_failure(const Engine& engine, std::string_view text, const std::optional<core::Named>& sandbox) {
  const auto& traits = traits_of(engine);
  if (!sandbox) {
    if (text.find("mount submount \"/etc/jailed/lease\"") == std::string_view::npos) return std::nullopt;
    return Failure{Kind::other,
                   fmt::format("{}'s default OCI runtime has a kernel of its own, which cannot share jailed's lease.", traits.title),
                   "name the runtime, and another way is taken: --sandbox runsc"};
  }
  if (!traits.words.unknown_runtime(text)) return std::nullopt;
  return Failure{Kind::other,
                 fmt::format("{} knows no OCI runtime '{}' (asked for by {}).", traits.title, core::printable(sandbox->value), sandbox->set_by),
                 std::string(traits.words.known_runtimes)};
}

}  // namespace jailed::plan
