#include <fcntl.h>

#include <cerrno>
#include <jailed/host/process/signals.hpp>

namespace jailed::host {
namespace {

volatile int g_write_end = -1;

// A whole signal in one byte, so that a write is never torn.
constexpr unsigned char kFromProcess = 0x80;

void handle(int signal, siginfo_t* info, void* /*context*/) {
  const int saved = errno;
  auto byte = static_cast<unsigned char>(signal);
  if (info != nullptr && info->si_code <= 0) byte |= kFromProcess;  // SI_USER, SI_QUEUE, SI_TKILL
  [[maybe_unused]] const auto written = ::write(g_write_end, &byte, 1);
  errno = saved;
}

}  // namespace

SignalWatcher::SignalWatcher(std::initializer_list<int> signals) : pipe_(make_pipe()) {
  ::fcntl(pipe_.read.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(pipe_.write.get(), F_SETFL, O_NONBLOCK);
  outer_ = g_write_end;
  g_write_end = pipe_.write.get();
  for (const int signal : signals) {
    struct sigaction former {};
    ::sigaction(signal, nullptr, &former);
    if (former.sa_handler == SIG_IGN && signal != SIGCHLD) continue;
    struct sigaction action {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigfillset(&action.sa_mask);
    ::sigaction(signal, &action, nullptr);
    former_.emplace_back(signal, former);
  }
}

SignalWatcher::~SignalWatcher() {
  for (const auto& [signal, former] : former_) ::sigaction(signal, &former, nullptr);
  g_write_end = outer_;
}

std::optional<CaughtSignal> SignalWatcher::next() {
  unsigned char byte = 0;
  if (::read(pipe_.read.get(), &byte, 1) != 1) return std::nullopt;
  return CaughtSignal{byte & ~kFromProcess, (byte & kFromProcess) != 0};
}

}  // namespace jailed::host
