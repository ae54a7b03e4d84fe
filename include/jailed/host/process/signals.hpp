#pragma once
#include <csignal>
#include <initializer_list>
#include <jailed/host/files/fd.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace jailed::host {

struct CaughtSignal {
  int signal = 0;
  bool from_process = false;  // sent by kill(2), not by the terminal or the kernel
};

/// Turns signals into bytes on a pipe for as long as it lives; puts the former dispositions back. A signal
/// that was ignored when jailed started (nohup) stays ignored. Watchers nest: the innermost gets the signal.
class SignalWatcher {
 public:
  explicit SignalWatcher(std::initializer_list<int> signals);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  ~SignalWatcher();

  /// Becomes readable when a signal has come.
  int fd() const { return pipe_.read.get(); }
  std::optional<CaughtSignal> next();

 private:
  Pipe pipe_;
  int outer_ = -1;  // where signals went before
  std::vector<std::pair<int, struct sigaction>> former_;
};

}  // namespace jailed::host
