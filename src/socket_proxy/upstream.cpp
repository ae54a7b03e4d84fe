#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <jailed/core/nesting.hpp>
#include <cerrno>
#include <cstring>
#include <jailed/socket_proxy/patient.hpp>
#include <jailed/socket_proxy/upstream.hpp>
#include <limits>
#include <stdexcept>

namespace jailed::socket_proxy {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kDeepestAnswer = 64;
constexpr std::uint64_t kLongestAnswer = std::uint64_t{64} * 1024 * 1024;

}  // namespace

Socket Upstream::connect(std::chrono::seconds patience) const {
  Socket socket(context_);
  socket.open();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) throw boost::system::system_error(ENAMETOOLONG, boost::system::system_category());
  std::memcpy(address.sun_path, path_.c_str(), path_.size());
  // Where many wait already connect(2) waits as well, and that is the one way to bound it.
  const auto limit = [&](std::chrono::seconds most) {
    const timeval time{most.count(), 0};
    ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  };
  limit(patience);
  while (::connect(socket.native_handle(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINTR) throw boost::system::system_error(errno, boost::system::system_category());
  }
  limit(std::chrono::seconds(0));
  return socket;
}

namespace {

template <typename Stream>
void send_to(Stream& socket, const Forward& request, const Upstream::Head& head) {
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

Answer read_answer(Patient& socket) {
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kLongestAnswer);
  http::read(socket, buffer, parser);
  if (core::nests_deeper(parser.get().body(), kDeepestAnswer)) throw std::runtime_error("the engine's answer is nested too deep");
  return {parser.get().result_int(), std::move(parser.get().body())};
}

}  // namespace

void Upstream::send(Socket& socket, const Forward& request, const Head& head) { send_to(socket, request, head); }

unsigned Upstream::status_of(const Forward& request, std::chrono::seconds patience) const {
  const auto deadline = Patient::Clock::now() + patience;
  auto socket = connect(patience);
  socket.non_blocking(true);
  Patient engine(socket, deadline);
  send_to(engine, request, {});
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // it is looked at while the header is read
  http::read_header(engine, buffer, parser);
  return parser.get().result_int();
}

Answer Upstream::ask(const Forward& request, std::chrono::seconds patience) const {
  const auto deadline = Patient::Clock::now() + patience;
  auto socket = connect(patience);
  socket.non_blocking(true);
  Patient engine(socket, deadline);
  send_to(engine, request, {});
  return read_answer(engine);
}

}  // namespace jailed::socket_proxy
