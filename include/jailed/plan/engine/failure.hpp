#pragma once
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace jailed::plan {

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
std::optional<Failure> recognise_failure(const Engine& engine, std::string_view text,
                                         const std::string& image);

/// Reads an engine's answer to a `--sandbox` that it does not know, or to a default runtime that cannot mount the lease; nothing
/// when the text is about something else. Texts: docker 20.10 and 28, podman 4.3, runsc 20221219.
std::optional<Failure> recognise_sandbox_failure(const Engine& engine, std::string_view text,
                                                 const std::optional<core::Named>& sandbox);

/// Whether the client says that its engine went away while the jail ran: it was started, so it is not started again.
bool says_engine_is_gone(std::string_view text);

/// Whether these are the engine's words for a container that is not there or does not run.
bool says_container_is_gone(std::string_view text);

}  // namespace jailed::plan
