#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <deque>
#include <jailed/host/files.hpp>
#include <jailed/host/scan.hpp>
#include <jailed/host/tree.hpp>
#include <memory>
#include <vector>

#ifdef __linux__
#include <sys/syscall.h>
#endif

namespace jailed::host {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
using Kind = ScannedName::Kind;

Kind kind_of_mode(mode_t mode) {
  return S_ISREG(mode)   ? Kind::file
         : S_ISDIR(mode) ? Kind::directory
         : S_ISLNK(mode) ? Kind::link
                         : Kind::other;
}

// The names of one directory; kept from one directory to the next, so that memory is asked for once a depth.
struct Names {
  struct Found {
    std::size_t at, size;
    Kind kind;
  };
  std::string bytes;
  std::vector<Found> found;
  std::vector<ScannedName> names;

  void clear() {
    bytes.clear();
    found.clear();
    names.clear();
  }

  void add(int directory, const char* name, unsigned char type) {
    const std::string_view text = name;
    if (text == "." || text == "..") return;
    auto kind = type == DT_REG   ? Kind::file
                : type == DT_DIR ? Kind::directory
                : type == DT_LNK ? Kind::link
                                 : Kind::other;
    if (type == DT_UNKNOWN) {
      struct stat info {};
      if (::fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) == 0) kind = kind_of_mode(info.st_mode);
    }
    found.push_back({bytes.size(), text.size() + 1, kind});
    bytes.append(name, text.size() + 1);
  }

  std::span<ScannedName> finish() {
    for (const auto& each : found) {
      names.push_back({std::string_view(bytes.data() + each.at, each.size - 1), each.kind,
                       each.kind == Kind::directory, 0});
    }
    return names;
  }
};

#ifdef __linux__
// What readdir(3) does, without its stat, its lock and its allocation for every directory.
bool read_names(int directory, Names& names) {
  struct Entry {
    std::uint64_t inode;
    std::int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[1];
  };
  alignas(Entry) static thread_local std::array<char, 65536> buffer;
  while (true) {
    const auto count = ::syscall(SYS_getdents64, directory, buffer.data(), buffer.size());
    if (count == 0) return true;
    if (count < 0) return false;
    for (long at = 0; at < count;) {
      const auto* entry = reinterpret_cast<const Entry*>(buffer.data() + at);
      names.add(directory, buffer.data() + at + offsetof(Entry, name), entry->type);
      at += entry->length;
    }
  }
}
#else
bool read_names(int directory, Names& names) {
  const int copy = ::openat(directory, ".", kDirectory);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(copy < 0 ? nullptr : ::fdopendir(copy), &::closedir);
  if (!stream) return false;
  while (const auto* entry = ::readdir(stream.get())) names.add(directory, entry->d_name, entry->d_type);
  return true;
}
#endif

// Gives the owner `rights` to a file or directory.
bool open_up(int parent, const char* name, mode_t rights) {
#ifdef __linux__
  const Fd place(::openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!place || ::fstat(place.get(), &info) != 0 || S_ISLNK(info.st_mode)) return false;
  // By the descriptor: the name may be a link by now.
  return ::chmod(fmt::format("/proc/self/fd/{}", place.get()).c_str(), (info.st_mode & 07777) | rights) == 0;
#else
  return ::fchmodat(parent, name, S_IRUSR | S_IWUSR | rights, AT_SYMLINK_NOFOLLOW) == 0;
#endif
}

Fd open_even_closed(int parent, const char* name, int flags, mode_t rights) {
  Fd fd(::openat(parent, name, flags));
  if (!fd && errno == EACCES && open_up(parent, name, rights)) fd = Fd(::openat(parent, name, flags));
  return fd;
}

class Scan {
 public:
  Scan(const ScanLimits& limits, const std::function<void(const ScannedDirectory&)>& visit,
       const std::function<void(const std::string&)>& unreadable)
      : limits_(limits), visit_(visit), unreadable_(unreadable), left_(limits.names) {}

  void directory(int fd, std::string& path, std::size_t depth, int context) {
    if (levels_.size() <= depth) levels_.emplace_back();
    auto& level = levels_[depth];
    level.clear();
    const bool whole = read_names(fd, level);
    const auto names = level.finish();
    if (!whole || names.size() > left_) unreadable_(path);
    left_ -= std::min(left_, names.size());
    visit_({path, fd, context, names});
    const auto length = path.size();
    for (const auto& name : names) {
      if (name.kind != Kind::directory || !name.enter) continue;
      if (length != 0) path += '/';
      path += name.name;
      child(fd, name, path, depth);
      path.resize(length);
    }
  }

 private:
  void child(int parent, const ScannedName& name, std::string& path, std::size_t depth) {
    if (depth + 1 >= limits_.depth || left_ == 0) {
      unreadable_(path);
      return;
    }
    // Names end with a NUL in their buffer.
    const Fd fd = limits_.open_up ? open_even_closed(parent, name.name.data(), kDirectory, S_IRUSR | S_IXUSR)
                                  : Fd(::openat(parent, name.name.data(), kDirectory));
    if (fd) {
      directory(fd.get(), path, depth + 1, name.context);
    } else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
      unreadable_(path);
    }
  }

  const ScanLimits& limits_;
  const std::function<void(const ScannedDirectory&)>& visit_;
  const std::function<void(const std::string&)>& unreadable_;
  std::size_t left_;
  std::deque<Names> levels_;  // keeps its elements in place
};

std::optional<std::string> reason() { return std::strerror(errno); }

// For what rename(2) cannot do. Devices, sockets and FIFOs are left out.
std::optional<std::string> copy_entry(int from, const std::string& name, int to, const std::string& as) {
  struct stat info {};
  if (::fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return reason();
  if (S_ISLNK(info.st_mode)) {
    std::array<char, PATH_MAX> target{};
    const auto size = ::readlinkat(from, name.c_str(), target.data(), target.size() - 1);
    if (size < 0 || ::symlinkat(target.data(), to, as.c_str()) != 0) return reason();
    return std::nullopt;
  }
  if (S_ISREG(info.st_mode)) {
    const Fd source =
        open_even_closed(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, S_IRUSR);
    const Fd copy(::openat(to, as.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           (info.st_mode & 0777) | S_IWUSR));
    if (!source || !copy) return reason();
    std::array<char, 65536> buffer;
    for (ssize_t count = 0; (count = ::read(source.get(), buffer.data(), buffer.size())) != 0;) {
      if (count < 0) return reason();
      for (ssize_t done = 0; done < count;) {
        const auto written =
            ::write(copy.get(), buffer.data() + done, static_cast<std::size_t>(count - done));
        if (written < 0) return reason();
        done += written;
      }
    }
    return std::nullopt;
  }
  if (!S_ISDIR(info.st_mode)) return std::nullopt;
  const Fd source = open_even_closed(from, name.c_str(), kDirectory, S_IRWXU);
  if (!source || ::mkdirat(to, as.c_str(), 0700) != 0) return reason();
  const Fd copy(::openat(to, as.c_str(), kDirectory));
  Names names;
  if (!copy || !read_names(source.get(), names)) return reason();
  for (const auto& each : names.finish()) {
    const std::string child(each.name);
    if (auto failed = copy_entry(source.get(), child, copy.get(), child)) return failed;
  }
  return std::nullopt;
}

bool remove_entry(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0) return true;
  if (errno != EISDIR && errno != EPERM) return false;
  {
    const Fd directory(::openat(parent, name.c_str(), kDirectory));
    Names names;
    if (!directory || !read_names(directory.get(), names)) return false;
    for (const auto& each : names.finish()) remove_entry(directory.get(), std::string(each.name));
  }
  return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0;
}

struct Place {
  Fd parent;
  std::string name;
};

Place place_below(const std::string& root, std::string_view path) {
  const auto slash = path.rfind('/');
  const auto above = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
  return {open_directory_below(root, above), std::string(path.substr(slash + 1))};
}

std::uint64_t identity(std::uint64_t inode, std::uint64_t seconds, std::uint64_t rest) {
  return (inode * 0x9E3779B97F4A7C15U) ^ (seconds * 1000000000 + rest);
}

std::uint64_t look_up_identity(int directory, const char* name, int flags) {
#ifdef __linux__
  struct statx info {};
  if (::statx(directory, name, flags, STATX_INO | STATX_BTIME, &info) != 0) return 0;
  if ((info.stx_mask & STATX_BTIME) == 0) return identity(info.stx_ino, 0, 0);
  return identity(info.stx_ino, static_cast<std::uint64_t>(info.stx_btime.tv_sec), info.stx_btime.tv_nsec);
#else
  struct stat info {};
  if ((*name == '\0' ? ::fstat(directory, &info) : ::fstatat(directory, name, &info, flags)) != 0) return 0;
  return identity(info.st_ino, static_cast<std::uint64_t>(info.st_birthtimespec.tv_sec),
                  static_cast<std::uint64_t>(info.st_birthtimespec.tv_nsec));
#endif
}

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
}

std::int64_t clock_now(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return nanoseconds(now);
}

}  // namespace

void scan_tree(const std::string& root, const ScanLimits& limits,
               const std::function<void(const ScannedDirectory&)>& visit,
               const std::function<void(const std::string& path)>& unreadable) {
  const Fd fd(::open(root.c_str(), kDirectory));
  std::string path;
  if (!fd) {
    unreadable(path);
    return;
  }
  Scan(limits, visit, unreadable).directory(fd.get(), path, 0, 0);
}

Fd open_directory_below(const std::string& root, std::string_view path) {
  Fd directory(::open(root.c_str(), kDirectory));
  while (directory && !path.empty()) {
    const std::string part(path.substr(0, path.find('/')));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (part.empty() || part == "." || part == "..") return {};
    directory = Fd(::openat(directory.get(), part.c_str(), kDirectory));
  }
  return directory;
}

std::optional<std::string> move_below(const std::string& root, std::string_view path, const std::string& to) {
  const auto place = place_below(root, path);
  if (!place.parent) return reason();
  const auto rename = [&] {
    return ::renameat(place.parent.get(), place.name.c_str(), AT_FDCWD, to.c_str()) == 0;
  };
  if (rename()) return std::nullopt;
  if (errno == EACCES) {
    // A directory that goes to another one must be writable itself: ".." in it changes.
    open_up(place.parent.get(), ".", S_IRWXU);
    struct stat info {};
    if (::fstatat(place.parent.get(), place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(info.st_mode))
      open_up(place.parent.get(), place.name.c_str(), S_IRWXU);
    if (rename()) return std::nullopt;
  }
  if (errno != EXDEV) return reason();
  if (auto failed = copy_entry(place.parent.get(), place.name, AT_FDCWD, to)) {
    remove_tree(to);
    return failed;
  }
  if (!remove_entry(place.parent.get(), place.name)) return reason();
  return std::nullopt;
}

bool put_below(const std::string& from, const std::string& root, std::string_view path) {
  const auto place = place_below(root, path);
  const auto slash = from.rfind('/');
  const Fd source(::open(from.substr(0, slash).c_str(), kDirectory));
  struct stat owner {};
  if (!place.parent || !source || ::fstat(place.parent.get(), &owner) != 0) return false;
  if (copy_entry(source.get(), from.substr(slash + 1), place.parent.get(), place.name)) return false;
  if (::geteuid() == 0) {
    [[maybe_unused]] const int kept =
        ::fchownat(place.parent.get(), place.name.c_str(), owner.st_uid, owner.st_gid, AT_SYMLINK_NOFOLLOW);
  }
  return true;
}

std::uint64_t identity_of(int directory, const char* name) {
  return look_up_identity(directory, name, AT_SYMLINK_NOFOLLOW);
}

#ifdef __linux__
std::uint64_t identity_of(int file) { return look_up_identity(file, "", AT_EMPTY_PATH); }
#else
std::uint64_t identity_of(int file) { return look_up_identity(file, "", 0); }
#endif

#ifdef __linux__
std::int64_t file_clock() { return clock_now(CLOCK_REALTIME_COARSE); }
std::int64_t uptime_clock() { return clock_now(CLOCK_BOOTTIME); }
std::int64_t change_time(const struct stat& info) { return nanoseconds(info.st_ctim); }
std::int64_t modification_time(const struct stat& info) { return nanoseconds(info.st_mtim); }
#else
std::int64_t file_clock() { return clock_now(CLOCK_REALTIME); }
std::int64_t uptime_clock() { return clock_now(CLOCK_MONOTONIC); }
std::int64_t change_time(const struct stat& info) { return nanoseconds(info.st_ctimespec); }
std::int64_t modification_time(const struct stat& info) { return nanoseconds(info.st_mtimespec); }
#endif

}  // namespace jailed::host
