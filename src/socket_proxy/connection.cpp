#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <jailed/socket_proxy/connection.hpp>
#include <jailed/socket_proxy/image.hpp>
#include <jailed/socket_proxy/patient.hpp>
#include <limits>
#include <nlohmann/json.hpp>
#include <thread>

namespace jailed::socket_proxy {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using nlohmann::json;

constexpr std::uint64_t kLongestBody = std::uint64_t{1024} * 1024;
// Not boost::none: Beast of Boost 1.74 takes every Content-Length to be larger than that.
constexpr auto kNoLimit = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kLongestHeader = 160 * 1024;
// What waits to be taken apart: the size of a chunk, and what may follow it and the last one, have no end that the parser knows.
constexpr std::size_t kLongestUnread = std::size_t{256} * 1024;
constexpr std::size_t kLongestAuth = std::size_t{16} * 1024;
constexpr std::size_t kLongAnswer = std::size_t{1024} * 1024;

using HeaderParser = http::request_parser<http::empty_body>;

// Everything that arrives goes on until it ends or the other side is gone.
void copy_bytes(Socket& from, Socket& to) {
  std::array<char, 32768> bytes;
  error_code error;
  while (!error) {
    const auto count = from.read_some(asio::buffer(bytes), error);
    if (count > 0) asio::write(to, asio::buffer(bytes.data(), count), error);
  }
}

// From the engine to the client only. Ends as well when the client goes, which a silent stream would not
// notice.
void copy_answer(Socket& engine, Socket& client) {
  std::array<char, 32768> bytes;
  error_code error;
  while (!error) {
    std::array<pollfd, 2> fds = {pollfd{engine.native_handle(), POLLIN, 0},
                                 pollfd{client.native_handle(), 0, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    if ((fds[1].revents & (POLLHUP | POLLERR)) != 0) return;
    if (fds[0].revents == 0) continue;
    const auto count = engine.read_some(asio::buffer(bytes), error);
    if (count > 0) asio::write(client, asio::buffer(bytes.data(), count), error);
  }
}

class Connection {
 public:
  Connection(Shared& shared, Socket& client) : shared_(shared), client_(client) {}

  void serve() {
    while (next()) {
    }
  }

 private:
  // One request; whether another may follow.
  bool next() {
    HeaderParser header;
    header.header_limit(kLongestHeader);
    header.body_limit(kNoLimit);
    http::read_header(client_, buffer_, header);
    keep_alive_ = header.keep_alive();
    const auto& head = header.get();
    const Request begun{std::string(head.method_string()), std::string(head.target()), {}};
    const bool wants_raw = !head[http::field::upgrade].empty();
    const auto auth = std::string(head["X-Registry-Auth"]);
    if (begun.method == "PUT") return take_upload(begun, std::move(header));

    // Beast looks at the limit for a Content-Length while it reads the header, for chunks later.
    if (header.content_length().value_or(0) > kLongestBody) return too_long();
    expect_continue(head);
    http::request_parser<http::string_body> parser(std::move(header));
    parser.body_limit(kLongestBody);
    error_code error;
    http::read(client_, buffer_, parser, error);
    if (error == http::error::body_limit) return too_long();
    if (error) throw boost::system::system_error(error);
    const Request request{begun.method, begun.target, std::move(parser.get().body())};
    return take(request, wants_raw, auth.size() > kLongestAuth ? "" : auth);
  }

  bool too_long() {
    keep_alive_ = false;
    return answer(413, message("jailed: the body is too long"));
  }

  template <typename Header>
  void expect_continue(const Header& head) {
    if (!beast::iequals(head[http::field::expect], "100-continue")) return;
    asio::write(client_, asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n")));
  }

  Decision decide(const Request& request) {
    const std::lock_guard lock(shared_.mutex);
    auto decision = socket_proxy::decide(request, shared_.policy, shared_.owned);
    // Counted from here on: a hundred connections may ask for the last one at the same moment.
    const auto* forward = std::get_if<Forward>(&decision);
    if (auto* coming = forward != nullptr ? coming_of(forward->reply) : nullptr) ++*coming;
    return decision;
  }

  std::size_t* coming_of(Reply reply) {
    if (reply == Reply::container_made) return &shared_.owned.coming_containers;
    if (reply == Reply::network_made) return &shared_.owned.coming_networks;
    if (reply == Reply::volume_made) return &shared_.owned.coming_volumes;
    return nullptr;
  }

  // Ends what `decide` began to count.
  class Coming {
   public:
    Coming(std::mutex& mutex, std::size_t* count) : mutex_(mutex), count_(count) {}
    Coming(const Coming&) = delete;
    Coming& operator=(const Coming&) = delete;
    ~Coming() {
      const std::lock_guard lock(mutex_);
      if (count_ != nullptr) --*count_;
    }

   private:
    std::mutex& mutex_;
    std::size_t* count_;
  };

  bool take(const Request& request, bool wants_raw, const std::string& auth) {
    const auto decision = decide(request);
    if (const auto* refusal = std::get_if<Refusal>(&decision))
      return answer(static_cast<unsigned>(refusal->status), message(refusal->message));
    const auto& forward = std::get<Forward>(decision);
    const Coming coming(shared_.mutex, coming_of(forward.reply));
    switch (forward.reply) {
      case Reply::pass:
      case Reply::stream:
        return pass(forward, wants_raw && forward.method == "POST" && forward.reply == Reply::stream, {});
      case Reply::pull:
        return pull(forward, auth);
      case Reply::no_images:
        return answer(200, R"({"ImagesDeleted":[],"SpaceReclaimed":0})");
      case Reply::info:
      case Reply::container_list:
      case Reply::network_list:
      case Reply::volume_list:
        return filtered(forward);
      default:
        return change(forward);
    }
  }

  // A request by which something comes or goes. Jails that end wait for those that are under way.
  bool change(const Forward& forward) {
    const Change change(shared_);
    if (!change.allowed()) return answer(503, message("jailed: this jail is ending"));
    if (forward.reply == Reply::container_made && shared_.policy.annotations) {
      const std::lock_guard turn(shared_.lists);
      if (const auto refused = refused_image(shared_.engine, json::parse(forward.body).value("Image", ""))) return answer(refused->status, refused->body);
    }
    const auto reply = shared_.engine.ask(forward);
    if (reply.ok() || reply.status == 404) {
      if (!record(forward, reply))
        return answer(409, message("jailed: a volume of this name is there, and not this jail's"));
    }
    return answer(reply.status, reply.body);
  }

  bool record(const Forward& forward, const Answer& reply) {
    const auto value = json::parse(reply.body, nullptr, false);
    const auto field = [&](const char* name) {
      return value.is_object() ? value.value(name, "") : std::string{};
    };
    const std::lock_guard lock(shared_.mutex);
    if (forward.reply == Reply::container_gone) shared_.owned.remove_container(forward.subject);
    if (forward.reply == Reply::network_gone) shared_.owned.remove_network(forward.subject);
    if (forward.reply == Reply::volume_gone) shared_.owned.remove_volume(forward.subject);
    if (!reply.ok()) return true;
    if (forward.reply == Reply::pruned && value.is_object()) {
      for (const auto& name : value.value("VolumesDeleted", json::array())) shared_.owned.remove_volume(name);
    }
    if (forward.reply == Reply::container_made) shared_.owned.add_container(field("Id"), forward.subject);
    if (forward.reply == Reply::network_made)
      shared_.owned.add_network(field("Id"), json::parse(forward.body).value("Name", ""));
    if (forward.reply == Reply::exec_made) shared_.owned.add_exec(field("Id"));
    if (forward.reply == Reply::volume_made) {
      // The engine answers with the volume that had this name already, if there was one.
      const auto labels = value.is_object() ? value.value("Labels", json::object()) : json::object();
      if (!labels.is_object() || labels.value(kSiblingLabel, "") != shared_.policy.session) return false;
      shared_.owned.add_volume(field("Name"));
    }
    return true;
  }

  // Labels and commands are the jail's own words, so a list can be as long as any answer may be: with each connection's own in
  // memory at the same time it would be this machine's that they fill.
  bool filtered(const Forward& forward) {
    std::unique_lock turn(shared_.lists);
    const auto reply = shared_.engine.ask(forward);
    if (!reply.ok()) return answer(reply.status, reply.body);
    std::optional<std::string> visible;
    {
      const std::lock_guard lock(shared_.mutex);
      visible = filter_reply(forward.reply, reply.body, shared_.owned);
    }
    if (!visible || visible->size() <= kLongAnswer) turn.unlock();
    return visible ? answer(reply.status, *visible)
                   : answer(502, message("jailed: the engine's answer cannot be read"));
  }

  bool pull(const Forward& forward, const std::string& auth) {
    // What an image says of itself is as long as whoever made it likes.
    const auto status = shared_.engine.status_of({.method = "GET", .target = fmt::format("/images/{}/json", forward.subject)});
    if (status == 200) return answer(200, json{{"status", "jailed: the image is here already"}}.dump() + "\r\n");
    if (status != 404) return answer(502, message("jailed: the engine does not say whether it has this image"));
    return pass(forward, false, auth);
  }

  // The engine's answer as it comes. A raw connection begins only when the engine says 101: anything else
  // that the client sends would be read as a request of its own.
  bool pass(const Forward& forward, bool raw, const std::string& auth) {
    auto engine = shared_.engine.connect();
    const Interruptible here(shared_, engine);
    Upstream::send(engine, forward, {.raw = raw, .chunked = false, .auth = auth});
    return relay(engine, raw);
  }

  bool relay(Socket& engine, bool raw) {
    beast::flat_buffer buffer;
    http::response_parser<http::empty_body> parser;
    parser.skip(true);
    // A stream may begin whenever it likes, for as long as somebody waits for it.
    Patient waiting(engine, std::nullopt, client_.native_handle());
    http::read_header(waiting, buffer, parser);
    const bool switched = raw && parser.get().result() == http::status::switching_protocols;
    if (!switched) parser.get().set(http::field::connection, "close");
    http::response_serializer<http::empty_body> serializer(parser.get());
    http::write_header(client_, serializer);
    asio::write(client_, buffer.data());
    if (!switched) {
      copy_answer(engine, client_);
      return false;
    }
    std::thread up([&] {
      error_code error;
      asio::write(engine, buffer_.data(), error);
      copy_bytes(client_, engine);
      engine.shutdown(Socket::shutdown_send, error);
    });
    copy_answer(engine, client_);
    error_code ignored;
    client_.shutdown(Socket::shutdown_both, ignored);
    up.join();
    return false;
  }

  bool take_upload(const Request& request, HeaderParser&& header) {
    const auto decision = decide(request);
    keep_alive_ = false;
    if (const auto* refusal = std::get_if<Refusal>(&decision))
      return answer(static_cast<unsigned>(refusal->status), message(refusal->message));
    const auto& forward = std::get<Forward>(decision);
    if (!forward.upload) return answer(403, message("jailed: this is not a call that a jail may make"));
    auto engine = shared_.engine.connect();
    const Interruptible here(shared_, engine);
    Upstream::send(engine, forward, {.raw = false, .chunked = true, .auth = {}});
    expect_continue(header.get());
    http::request_parser<http::buffer_body> parser(std::move(header));
    parser.body_limit(kNoLimit);
    std::array<char, 32768> bytes;
    error_code stopped;  // an engine that does not want more has answered by then
    while (!parser.is_done() && !stopped) {
      parser.get().body().data = bytes.data();
      parser.get().body().size = bytes.size();
      error_code error;
      http::read(client_, buffer_, parser, error);
      if (error && error != http::error::need_buffer) throw boost::system::system_error(error);
      const auto count = bytes.size() - parser.get().body().size;
      if (count > 0) asio::write(engine, http::make_chunk(asio::buffer(bytes.data(), count)), stopped);
    }
    if (!stopped) asio::write(engine, http::make_chunk_last(), stopped);
    return relay(engine, false);
  }

  static std::string message(const std::string& text) {
    return json{{"message", text}}.dump(-1, ' ', false, json::error_handler_t::replace);
  }

  bool answer(unsigned status, const std::string& body) {
    http::response<http::string_body> response;
    response.version(11);
    response.result(status);
    if (!body.empty()) response.set(http::field::content_type, "application/json");
    response.set(http::field::server, "jailed");
    response.keep_alive(keep_alive_);
    response.body() = body;
    response.prepare_payload();
    http::write(client_, response);
    return keep_alive_;
  }

  Shared& shared_;
  Socket& client_;
  beast::flat_buffer buffer_{kLongestUnread};
  bool keep_alive_ = false;
};

}  // namespace

void serve_connection(Shared& shared, Socket client) {
  try {
    const Interruptible here(shared, client);
    Connection(shared, client).serve();
  } catch (const std::exception&) {
    // The client or the engine went away, or one of them does not speak HTTP: this connection ends.
  }
}

}  // namespace jailed::socket_proxy
