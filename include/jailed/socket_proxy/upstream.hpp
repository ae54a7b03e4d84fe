#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <jailed/socket_proxy/decision.hpp>
#include <string>

namespace jailed::socket_proxy {

using Socket = boost::asio::local::stream_protocol::socket;
using Context = boost::asio::io_context;

/// An engine's whole answer.
struct Answer {
  unsigned status = 0;
  std::string body;
  bool ok() const { return status >= 200 && status < 300; }
};

/// The engine's socket: one connection a request, so that nothing is ever left over from the one before.
/// Failures are boost::system::system_error.
class Upstream {
 public:
  Upstream(Context& context, std::string path) : context_(context), path_(std::move(path)) {}

  /// Waits for an engine that takes no connection, but not for ever.
  Socket connect(std::chrono::seconds patience = kPatience) const;

  /// Sends the head, and the body if there is one. `raw`: asks for a raw connection; `chunked`: a body in
  /// chunks follows; `auth`: credentials for a registry, may be empty.
  struct Head {
    bool raw = false;
    bool chunked = false;
    std::string auth;
  };
  static void send(Socket& socket, const Forward& request, const Head& head);

  /// One request and the status of its answer; the rest of it is not read.
  unsigned status_of(const Forward& request, std::chrono::seconds patience = kPatience) const;

  /// One request and its whole answer, of at most 64 MiB and 64 levels, or `timed_out` when it is not there by then.
  Answer ask(const Forward& request, std::chrono::seconds patience = kPatience) const;

 private:
  // More than any engine takes for what it is asked here: to remove a large volume is the longest.
  static constexpr std::chrono::seconds kPatience{300};

  Context& context_;
  std::string path_;
};

}  // namespace jailed::socket_proxy
