#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <jailed/core/platform.hpp>
#include <jailed/host/beneath/beneath.hpp>

#if JAILED_LINUX
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

namespace jailed::host {
namespace {

using Kind = ScannedName::Kind;

std::optional<std::string> reason() { return std::strerror(errno); }

bool write_all(int to, const char* bytes, std::size_t count) {
  while (count > 0) {
    const auto written = ::write(to, bytes, count);
    if (written < 0 && errno != EINTR) return false;
    if (written <= 0) continue;
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
  return true;
}

// Until the end, or to `end`.
bool copy_bytes(int from, int to, std::uint64_t& most, std::uint64_t end) {
  static thread_local std::array<char, 65536> buffer;
  while (end > 0) {
    const auto count = ::read(from, buffer.data(), std::min<std::uint64_t>(buffer.size(), end));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    if (static_cast<std::uint64_t>(count) > most) {
      errno = EFBIG;
      return false;
    }
    most -= static_cast<std::uint64_t>(count);
    end -= static_cast<std::uint64_t>(count);
    if (!write_all(to, buffer.data(), static_cast<std::size_t>(count))) return false;
  }
  return true;
}

std::optional<std::string> copy_leaf(int from, const char* name, int to, const char* as, const struct stat& info,
                                     const struct stat* owner = nullptr) {
  if (S_ISLNK(info.st_mode)) {
    std::array<char, PATH_MAX> target{};
    const auto size = ::readlinkat(from, name, target.data(), target.size() - 1);
    if (size < 0 || ::symlinkat(target.data(), to, as) != 0) return reason();
    return std::nullopt;
  }
  if (!S_ISREG(info.st_mode)) return std::nullopt;
  const Fd source = open_even_closed(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, S_IRUSR);
  struct stat opened {};
  if (!source || ::fstat(source.get(), &opened) != 0) return reason();
  if (!S_ISREG(opened.st_mode)) return "it was replaced meanwhile";
  const Fd copy(
      ::openat(to, as, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (info.st_mode & 0777) | S_IWUSR));
  if (!copy) return reason();
  // By the descriptor: another file may have its name by now.
  if (owner != nullptr) [[maybe_unused]]
    const int kept = ::fchown(copy.get(), owner->st_uid, owner->st_gid);
  if (copy_content(source.get(), copy.get())) return std::nullopt;
  auto why = reason();
  ::unlinkat(to, as, 0);
  return why;
}

class Copy : public TreeWalk {
 public:
  Copy(Fd to) : TreeWalk({.open_up = S_IRWXU}), to_(std::move(to)) {}
  std::optional<std::string> failure;

 protected:
  void opened(const ScannedDirectory& directory) override {
    if (directory.path.empty()) return;
    const auto name = directory.path.substr(directory.path.rfind('/') + 1);
    if (!to_.enter(name.c_str())) fail(reason());
  }

  bool meet(const std::string&, int directory, const ScannedName& name) override {
    struct stat info {};
    if (::fstatat(directory, name.name.data(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      fail(reason());
    } else if (!S_ISDIR(info.st_mode)) {
      fail(copy_leaf(directory, name.name.data(), to_.here(), name.name.data(), info));
    } else if (name.kind == Kind::directory) {
      if (::mkdirat(to_.here(), name.name.data(), 0700) == 0) return true;
      fail(reason());
    }
    return false;
  }

  void left(int parent, const char*) override {
    if (parent < 0 || !to_.leave()) fail("it was moved meanwhile");
  }

  void unreadable(const std::string&) override { fail(errno == 0 ? std::string("it was moved meanwhile") : reason()); }

 private:
  void fail(std::optional<std::string> why) {
    if (!why) return;
    if (!failure) failure = std::move(why);
    stop();
  }

  Descent to_;
};

class Removal : public TreeWalk {
 public:
  Removal() : TreeWalk({.open_up = S_IRWXU}) {}

 protected:
  // Some at a time: links cost whoever made them no room, and here each name would be in memory.
  void opening(int directory) override {
    bool whole = false;
    for (std::size_t removed = 1; !whole && removed > 0;) {
      whole = some_.read(directory, kAtOnce);
      removed = 0;
      for (const auto& name : some_.names()) {
        if (name.kind != Kind::directory && remove(directory, name.name.data(), 0)) ++removed;
      }
      ::lseek(directory, 0, SEEK_SET);
    }
  }

  bool meet(const std::string&, int, const ScannedName& name) override { return name.kind == Kind::directory; }

  void left(int parent, const char* name) override {
    if (parent >= 0) remove(parent, name, AT_REMOVEDIR);
  }

 private:
  static bool remove(int directory, const char* name, int flags) {
    if (::unlinkat(directory, name, flags) == 0) return true;
    return errno == EACCES && open_up(directory, S_IRWXU) && ::unlinkat(directory, name, flags) == 0;
  }

  static constexpr std::size_t kAtOnce = 50000;
  DirectoryNames some_;
};

}  // namespace

bool copy_content(int from, int to, std::uint64_t most) {
#if JAILED_LINUX && defined(FICLONE)
  struct stat whole {};
  if (::fstat(from, &whole) == 0 && static_cast<std::uint64_t>(whole.st_size) <= most && ::ioctl(to, FICLONE, from) == 0)
    return true;
#endif
#if defined(SEEK_DATA) && defined(SEEK_HOLE)
  // A file of a terabyte that holds nothing costs nothing.
  const auto size = ::lseek(from, 0, SEEK_END);
  off_t at = 0;
  while (size > 0) {
    const auto data = ::lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return ::ftruncate(to, size) == 0;
    const auto hole = data < 0 ? data : ::lseek(from, data, SEEK_HOLE);
    if (hole < 0) break;  // a file system that does not tell
    if (::lseek(from, data, SEEK_SET) < 0 || ::lseek(to, data, SEEK_SET) < 0 ||
        !copy_bytes(from, to, most, static_cast<std::uint64_t>(hole - data)))
      return false;
    at = hole;
    if (at >= size) return true;
  }
  if (::lseek(from, at, SEEK_SET) < 0 || ::lseek(to, at, SEEK_SET) < 0) return false;
#endif
  return copy_bytes(from, to, most, UINT64_MAX);
}

std::optional<std::string> copy_entry(int from, const std::string& name, int to, const std::string& as, const struct stat* owner) {
  struct stat info {};
  if (::fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return reason();
  if (!S_ISDIR(info.st_mode)) return copy_leaf(from, name.c_str(), to, as.c_str(), info, owner);
  Fd source = open_even_closed(from, name.c_str(), kOpenDirectory, S_IRWXU);
  if (!source || ::mkdirat(to, as.c_str(), 0700) != 0) return reason();
  Fd target(::openat(to, as.c_str(), kOpenDirectory));
  if (!target) return reason();
  Copy copy(std::move(target));
  copy.run(std::move(source));
  return copy.failure;
}

bool remove_entry(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0) return true;
  if (errno != EISDIR && errno != EPERM) return false;
  Fd directory = open_even_closed(parent, name.c_str(), kOpenDirectory, S_IRWXU);
  if (!directory) return false;
  Removal().run(std::move(directory));
  return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0;
}

}  // namespace jailed::host
