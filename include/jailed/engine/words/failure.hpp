#pragma once
#include <jailed/plan/engine/choose.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace jailed::engine {

/// Why an engine could not do what it was asked, in the user's words.
struct Failure {
  enum class Kind {
    image_missing,
    daemon_down,
    permission_denied,
    disk_full,
    not_set_up,
    certificate,
    engine_gone,
    other
  } kind = Kind::other;
  std::string message;
  std::string next_step;
};

/// Reads an engine's error text; nothing when it says nothing that is known.
std::optional<Failure> recognise_failure(const plan::Engine& engine, std::string_view text,
                                         const std::string& image);

/// Whether the client says that its engine went away while the jail ran: it was started, so it is not started again.
bool says_engine_is_gone(std::string_view text);

/// Whether these are the engine's words for a container that is not there or does not run.
bool says_container_is_gone(std::string_view text);

}  // namespace jailed::engine
