#pragma once
#include <cstdint>
#include <jailed/socket_proxy/owned.hpp>
#include <jailed/socket_proxy/replies.hpp>
#include <optional>
#include <string>
#include <variant>

namespace jailed::socket_proxy {

/// The label that everything carries which a jail made through its proxy; the value is the session.
inline constexpr const char* kSiblingLabel = "jailed.sibling";

/// A request as it came; `body` only where the method is not an upload.
struct Request {
  std::string method;
  std::string target;
  std::string body;
};

struct Policy {
  std::string session;
  std::optional<std::uint64_t> memory;  // most bytes for a container that says no number, or a larger one
  std::optional<std::uint64_t> pids;    // the same for its processes
  bool annotations = false;             // the engine gives a container the annotations of its image, which runtimes obey
};

/// The request that the engine gets in the place of the client's: written anew, nothing is copied.
struct Forward {
  std::string method;
  std::string target;
  std::string body = {};  // JSON, or empty
  Reply reply = Reply::pass;
  std::string subject = {};  // an id or a name, for the replies that change what is owned
  bool upload = false;       // the client's body (a tar archive) follows as it is
  bool operator==(const Forward&) const = default;
};

/// Not sent to the engine. The message names the field or call, and says jailed.
struct Refusal {
  int status = 403;
  std::string message;
  bool operator==(const Refusal&) const = default;
};

using Decision = std::variant<Forward, Refusal>;

/// Deny by default. Allowed is what Testcontainers needs, on what this jail made.
Decision decide(const Request& request, const Policy& policy, const Owned& owned);

}  // namespace jailed::socket_proxy
