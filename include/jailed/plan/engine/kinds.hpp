#pragma once
#include <jailed/plan/engine/failure.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <optional>
#include <string_view>

namespace jailed::plan {

/// The sets of the kinds, for the table in traits.cpp. What follows each is for its own folder.
const Traits& docker_traits();
std::optional<Failure> docker_service_failure(std::string_view said, std::string_view text);
void check_docker_caller(const EndpointFacts& facts);

/// What podman says when the machine is not set up for it: user namespaces of a user that is not root, its
/// storage, its virtual machine (macOS). The words are those of 4.3, seen there, and of 3.2 to 5.3, from the
/// project's own tracker. `said` is in lower case.
const Traits& podman_traits();
std::optional<Failure> podman_setup_failure(std::string_view said);

}  // namespace jailed::plan
