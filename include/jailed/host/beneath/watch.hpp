#pragma once
#include <jailed/host/files/fd.hpp>
#include <map>
#include <string>

namespace jailed::host {

/// Tells that something below a directory has changed, by inotify; not what. No symbolic link is followed, and
/// directories named .git are left out. Where the system has no watches left, or none at all, changes go
/// unnoticed.
class TreeWatch {
 public:
  explicit TreeWatch(std::string root);

  /// To wait for with poll(2); -1 where there are no watches.
  int fd() const { return fd_.get(); }

  /// Takes what was told since the last time, and watches new directories. Whether there was anything.
  bool take();

 private:
  void watch(const std::string& directory);

  std::string root_;
  Fd fd_;
  std::map<int, std::string> directories_;  // by watch
};

}  // namespace jailed::host
