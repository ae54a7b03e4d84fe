#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <jailed/core/platform.hpp>
#include <jailed/core/text.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/files.hpp>
#include <utility>

namespace jailed::host {
namespace {


class Scan : public TreeWalk {
 public:
  Scan(const ScanLimits& limits, const std::function<void(const ScannedDirectory&)>& visit,
       const std::function<void(const std::string&)>& unreadable)
      : TreeWalk({.names = limits.names,
                  .depth = limits.depth,
                  .path = limits.path,
                  .open_up = limits.open_up ? mode_t{S_IRUSR | S_IXUSR} : mode_t{0}}),
        visit_(visit),
        unreadable_(unreadable) {}

 protected:
  void opened(const ScannedDirectory& directory) override { visit_(directory); }
  void unreadable(const std::string& path) override { unreadable_(path); }

 private:
  const std::function<void(const ScannedDirectory&)>& visit_;
  const std::function<void(const std::string&)>& unreadable_;
};

std::optional<std::string> errno_text() { return std::strerror(errno); }

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
#if JAILED_LINUX
  struct statx info {};
  if (::statx(directory, name, flags, STATX_INO | STATX_BTIME, &info) != 0) return 0;
  if ((info.stx_mask & STATX_BTIME) == 0) return identity(info.stx_ino, 0, 0);
  return identity(info.stx_ino, static_cast<std::uint64_t>(info.stx_btime.tv_sec), info.stx_btime.tv_nsec);
#else
  struct stat info {};
  if ((*name == '\0' ? ::fstat(directory, &info) : ::fstatat(directory, name, &info, flags)) != 0) return 0;
#ifdef __APPLE__
  return identity(info.st_ino, static_cast<std::uint64_t>(info.st_birthtimespec.tv_sec),
                  static_cast<std::uint64_t>(info.st_birthtimespec.tv_nsec));
#else
  return identity(info.st_ino, 0, 0);
#endif
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
  Fd fd = open_exactly(root);
  if (!fd) {
    unreadable({});
    return;
  }
  Scan(limits, visit, unreadable).run(std::move(fd));
}

Fd open_directory_below(const std::string& root, std::string_view path) {
  Fd directory = open_exactly(root);
  while (directory && !path.empty()) {
    const std::string part(core::take_part(path, '/'));
    if (part.empty() || part == "." || part == "..") return {};
    directory = Fd(::openat(directory.get(), part.c_str(), kOpenDirectory));
  }
  return directory;
}

std::vector<std::string> names_below(const std::string& root, std::string_view path, std::size_t most) {
  const auto directory = open_directory_below(root, path);
  DirectoryNames found;
  std::vector<std::string> names;
  if (!directory || !found.read(directory.get(), most)) return names;
  for (const auto& name : found.names()) names.emplace_back(name.name);
  return names;
}

std::optional<struct stat> stat_below(const std::string& root, std::string_view path) {
  const auto place = place_below(root, path);
  struct stat info {};
  if (!place.parent || ::fstatat(place.parent.get(), place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return info;
}

void close_directory(const std::string& path) {
  const Fd directory(::open(path.c_str(), kOpenDirectory));
  if (directory) ::fchmod(directory.get(), 0);
}

std::optional<std::string> move_below(const std::string& root, std::string_view path, const std::string& to) {
  const auto place = place_below(root, path);
  if (!place.parent) return errno_text();
  const auto rename = [&] {
    return ::renameat(place.parent.get(), place.name.c_str(), AT_FDCWD, to.c_str()) == 0;
  };
  if (rename()) return std::nullopt;
  if (errno == EACCES) {
    // A directory that goes to another one must be writable itself: ".." in it changes.
    open_up(place.parent.get(), S_IRWXU);
    struct stat info {};
    if (::fstatat(place.parent.get(), place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(info.st_mode))
      open_up(place.parent.get(), place.name.c_str(), S_IRWXU);
    if (rename()) return std::nullopt;
  }
  if (errno != EXDEV) return errno_text();
  if (auto failed = copy_entry(place.parent.get(), place.name, AT_FDCWD, to)) {
    remove_tree(to);
    return failed;
  }
  if (!remove_entry(place.parent.get(), place.name)) return errno_text();
  return std::nullopt;
}

bool put_below(const std::string& from, const std::string& root, std::string_view path) {
  const auto place = place_below(root, path);
  const auto slash = from.rfind('/');
  const Fd source(::open(from.substr(0, slash).c_str(), kOpenDirectory));
  struct stat owner {};
  if (!place.parent || !source || ::fstat(place.parent.get(), &owner) != 0) return false;
  return !copy_entry(source.get(), from.substr(slash + 1), place.parent.get(), place.name, ::geteuid() == 0 ? &owner : nullptr);
}

std::uint64_t identity_of(int directory, const char* name) {
  return look_up_identity(directory, name, AT_SYMLINK_NOFOLLOW);
}

std::uint64_t identity_of(int file) {
#if JAILED_LINUX
  return look_up_identity(file, "", AT_EMPTY_PATH);
#else
  return look_up_identity(file, "", 0);
#endif
}

std::int64_t birth_of(const std::string& path) {
#if JAILED_LINUX
  struct statx info {};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BTIME, &info) != 0 || (info.stx_mask & STATX_BTIME) == 0) return 0;
  return static_cast<std::int64_t>(info.stx_btime.tv_sec) * 1'000'000'000 + info.stx_btime.tv_nsec;
#elif defined(__APPLE__)
  const auto info = lstat_of(path);
  return info ? nanoseconds(info->st_birthtimespec) : 0;
#else
  static_cast<void>(path);
  return 0;
#endif
}

std::string where_it_leads(int directory, const char* name, const std::string& path) {
#if JAILED_LINUX
  // One walk of the kernel's from where the link is. realpath(3) begins at / for every component: far below that is a million steps.
  const Fd there(::openat(directory, name, O_PATH | O_CLOEXEC));
  if (!there) return {};
  std::array<char, PATH_MAX> target{};
  const auto size = ::readlink(("/proc/self/fd/" + std::to_string(there.get())).c_str(), target.data(), target.size());
  if (size > 0) return {target.data(), static_cast<std::size_t>(size)};
#else
  static_cast<void>(directory), static_cast<void>(name);
#endif
  std::string reason;
  return canonical(path, reason);
}

#if JAILED_LINUX
// Not CLOCK_REALTIME_COARSE, which is what files get by default: since Linux 6.13 a file that was looked at gets a finer
// time, up to a tick ahead of it, and would be taken for the jail's. No jail starts within a tick of a launch.
std::int64_t file_clock() { return clock_now(CLOCK_REALTIME); }
std::int64_t uptime_clock() { return clock_now(CLOCK_BOOTTIME); }
#else
std::int64_t file_clock() { return clock_now(CLOCK_REALTIME); }
std::int64_t uptime_clock() { return clock_now(CLOCK_MONOTONIC); }  // runs on while macOS sleeps
#endif

#ifdef __APPLE__
std::int64_t change_time(const struct stat& info) { return nanoseconds(info.st_ctimespec); }
std::int64_t modification_time(const struct stat& info) { return nanoseconds(info.st_mtimespec); }
#else
std::int64_t change_time(const struct stat& info) { return nanoseconds(info.st_ctim); }
std::int64_t modification_time(const struct stat& info) { return nanoseconds(info.st_mtim); }
#endif

}  // namespace jailed::host
