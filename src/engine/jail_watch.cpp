#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <jailed/engine/jail_watch.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <utility>

#include "client.hpp"

namespace jailed::engine {
namespace {

constexpr int kMostReads = 64;
constexpr int kLooksAtTheEnd = 100;

}  // namespace

JailWatch::JailWatch(const plan::Engine& engine, const std::string& container) : JailWatch(engine, container, host::make_pipe()) {}

JailWatch::JailWatch(const plan::Engine& engine, const std::string& container, host::Pipe output)
    : client_(Client::command(plan::watch_command(engine, container)), {.in = null_.get(), .out = output.write.get(), .err = null_.get()}),
      output_(std::move(output.read)) {
  ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
}

JailWatch::~JailWatch() {
  output_.reset();
  client_.signal(SIGTERM);
  for (int look = 0; look < kLooksAtTheEnd && !client_.ended(); ++look) ::poll(nullptr, 0, 20);
}

bool JailWatch::take() {
  bool any = false;
  std::array<char, 4096> bytes{};
  for (int reads = 0; reads < kMostReads; ++reads) {
    const auto count = ::read(output_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    ended_ = ended_ || count == 0 || (count < 0 && errno != EAGAIN);
    if (count <= 0) return any;
    any = true;
  }
  return any;  // the rest waits, and so does who writes it
}

}  // namespace jailed::engine
