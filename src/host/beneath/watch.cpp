#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <jailed/core/platform.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/watch.hpp>
#include <utility>

#if JAILED_LINUX
#include <sys/inotify.h>
#endif

namespace jailed::host {

#if JAILED_LINUX
namespace {

constexpr std::size_t kMostEntries = 2'000'000;
// Not IN_MODIFY: a log that is written all day would never be quiet.
constexpr std::uint32_t kChanges = IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR |
                                   IN_DONT_FOLLOW | IN_EXCL_UNLINK;

bool is_left_out(const std::string& path) { return path == ".git" || path.ends_with("/.git"); }

}  // namespace

TreeWatch::TreeWatch(std::string root) : root_(std::move(root)), fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (fd_) watch(root_);
}

void TreeWatch::watch(const std::string& directory) {
  const auto add = [&](const std::string& path) {
    if (const int number = ::inotify_add_watch(fd_.get(), path.c_str(), kChanges); number >= 0)
      directories_[number] = path;
  };
  add(directory);
  walk_tree(directory, kMostEntries, [&](const std::string& path, const struct stat& info) {
    // A watch takes a path.
    if (!S_ISDIR(info.st_mode) || is_left_out(path) || directory.size() + path.size() + 1 >= PATH_MAX) return false;
    add(directory + "/" + path);
    return true;
  });
}

bool TreeWatch::take() {
  bool any = false;
  alignas(inotify_event) char buffer[16384];
  ssize_t count = 0;
  while (fd_ && (count = ::read(fd_.get(), buffer, sizeof buffer)) > 0) {
    for (const char* at = buffer; at < buffer + count;) {
      inotify_event event{};
      std::memcpy(&event, at, sizeof event);
      const std::string name = event.len > 0 ? at + sizeof event : "";
      at += sizeof event + event.len;
      if ((event.mask & IN_IGNORED) != 0) {
        directories_.erase(event.wd);
        continue;
      }
      if (is_left_out(name)) continue;
      any = true;
      if ((event.mask & IN_Q_OVERFLOW) != 0) watch(root_);
      const auto parent = directories_.find(event.wd);
      if ((event.mask & IN_ISDIR) != 0 && (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0 && parent != directories_.end())
        watch(std::string(parent->second) + "/" + name);
    }
  }
  return any;
}
#else
// Mutagen has watches of its own on other systems.
TreeWatch::TreeWatch(std::string root) : root_(std::move(root)) {}
bool TreeWatch::take() { return false; }
#endif

}  // namespace jailed::host
