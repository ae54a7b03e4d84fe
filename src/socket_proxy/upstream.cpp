#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <jailed/core/nesting.hpp>
#include <jailed/socket_proxy/upstream.hpp>
#include <stdexcept>

namespace jailed::socket_proxy {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kDeepestAnswer = 64;
constexpr std::uint64_t kLongestAnswer = std::uint64_t{64} * 1024 * 1024;

}  // namespace

Socket Upstream::connect() const {
  Socket socket(context_);
  socket.connect(boost::asio::local::stream_protocol::endpoint(path_));
  return socket;
}

void Upstream::send(Socket& socket, const Forward& request, const Head& head) {
  http::request<http::string_body> message;
  message.version(11);
  message.method_string(request.method);
  message.target(request.target);
  message.set(http::field::host, "docker");
  message.set(http::field::connection, head.raw ? "Upgrade" : "close");
  if (head.raw) message.set(http::field::upgrade, "tcp");
  if (!head.auth.empty()) message.set("X-Registry-Auth", head.auth);
  if (head.chunked) {
    message.set(http::field::content_type, "application/x-tar");
    message.chunked(true);
    http::request_serializer<http::string_body> serializer(message);
    http::write_header(socket, serializer);
    return;
  }
  if (!request.body.empty()) message.set(http::field::content_type, "application/json");
  message.body() = request.body;
  message.prepare_payload();
  http::write(socket, message);
}

Answer Upstream::read_answer(Socket& socket) {
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kLongestAnswer);
  http::read(socket, buffer, parser);
  if (core::nests_deeper(parser.get().body(), kDeepestAnswer)) throw std::runtime_error("the engine's answer is nested too deep");
  return {parser.get().result_int(), std::move(parser.get().body())};
}

Answer Upstream::ask(const Forward& request) const {
  auto socket = connect();
  send(socket, request, {});
  return read_answer(socket);
}

}  // namespace jailed::socket_proxy
