#pragma once
#include <jailed/host/files/fd.hpp>
#include <jailed/host/process/child.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <string>

namespace jailed::engine {

/// The watcher in a jail, which speaks when something in its workspace changes (plan::watch_command). What it says is not looked
/// at: whoever else is in the jail could say it.
class JailWatch {
 public:
  JailWatch(const plan::Engine& engine, const std::string& container);
  JailWatch(const JailWatch&) = delete;
  JailWatch& operator=(const JailWatch&) = delete;
  ~JailWatch();

  /// Readable when it has spoken, and when it has ended, by itself or with its jail.
  int fd() const { return output_.get(); }
  bool ended() const { return ended_; }

  /// Whether it has spoken; much of it waits for the next time.
  bool take();

 private:
  JailWatch(const plan::Engine& engine, const std::string& container, host::Pipe output);

  host::Fd null_ = host::open_null();
  host::Child client_;
  host::Fd output_;
  bool ended_ = false;
};

}  // namespace jailed::engine
