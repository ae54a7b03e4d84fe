#pragma once
#include <jailed/engine/words/failure.hpp>
#include <optional>
#include <string_view>

namespace jailed::engine {

/// What podman says when the machine is not set up for it: user namespaces of a user that is not root, its
/// storage, its virtual machine (macOS). The words are those of 4.3, seen there, and of 3.2 to 5.3, from the
/// project's own tracker. `text` is in lower case.
std::optional<Failure> recognise_podman_failure(std::string_view text);

}  // namespace jailed::engine
