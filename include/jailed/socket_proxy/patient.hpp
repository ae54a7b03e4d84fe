#pragma once
#include <poll.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <chrono>
#include <jailed/socket_proxy/upstream.hpp>
#include <optional>

namespace jailed::socket_proxy {

/// A socket to an engine that may never answer: what asio does on it alone has no end of its own. Reads and writes end with
/// `timed_out` at the deadline, and with `connection_aborted` once nobody is at the other end of `client` any more.
class Patient {
 public:
  using Clock = std::chrono::steady_clock;
  using error_code = boost::system::error_code;

  Patient(Socket& socket, std::optional<Clock::time_point> deadline, int client = -1)
      : socket_(socket), deadline_(deadline), client_(client) {}

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) {
    return once_ready(POLLIN, error, [&] { return socket_.read_some(buffers, error); });
  }
  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers, error_code& error) {
    return once_ready(POLLOUT, error, [&] { return socket_.write_some(buffers, error); });
  }
  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers) {
    error_code error;
    const auto count = read_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return count;
  }
  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers) {
    error_code error;
    const auto count = write_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return count;
  }

 private:
  template <typename Act>
  std::size_t once_ready(short event, error_code& error, const Act& act) {
    while (true) {
      if (!wait(event, error)) return 0;
      const auto count = act();
      if (error != boost::asio::error::would_block) return count;
    }
  }

  int milliseconds_left() const {
    if (!deadline_) return -1;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline_ - Clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left + 1, 0, 60000));
  }

  bool wait(short event, error_code& error) const {
    error = {};
    while (true) {
      std::array<pollfd, 2> fds = {pollfd{socket_.native_handle(), event, 0}, pollfd{client_, 0, 0}};
      const int ready = ::poll(fds.data(), fds.size(), milliseconds_left());
      if (ready > 0 && fds[0].revents != 0) return true;
      if (ready > 0) error = boost::asio::error::connection_aborted;
      if (ready < 0 && errno != EINTR) error = error_code(errno, boost::system::system_category());
      if (!error && deadline_ && Clock::now() >= *deadline_) error = boost::asio::error::timed_out;
      if (error) return false;
    }
  }

  Socket& socket_;
  std::optional<Clock::time_point> deadline_;
  int client_;
};

}  // namespace jailed::socket_proxy
