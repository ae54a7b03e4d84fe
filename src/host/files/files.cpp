#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/platform.hpp>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/files/files.hpp>
#include <memory>
#include <random>

namespace jailed::host {
namespace {

core::Error cannot(std::string_view verb, const std::string& path, int error) {
  std::string next_step;
  if (error == ENOSPC || error == EDQUOT) next_step = "free some space there, then try again";
  if (error == EACCES || error == EPERM || error == EROFS)
    next_step = "make it writable for you, or choose another place: JAILED_CONFIG_DIR=DIR";
  return core::Error(fmt::format("Cannot {} {}: {}.", verb, core::printable(path), std::strerror(error)),
                     next_step);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

Fd try_lock(const std::string& path, int kind) {
  Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (directory && ::flock(directory.get(), kind | LOCK_NB) != 0) directory.reset();
  return directory;
}

}  // namespace

std::optional<struct stat> lstat_of(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
  return info;
}

std::string canonical(const std::string& path, std::string& reason) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  if (!resolved) {
    reason = std::strerror(errno);
    return {};
  }
  return resolved.get();
}

std::string canonical_as_far_as_it_exists(const std::string& path) {
  std::string reason;
  std::string there = path;
  if (!path.starts_with('/')) {
    const auto here = canonical(".", reason);
    if (here.empty()) return path;
    there = here + "/" + path;
  }
  std::string missing;
  while (true) {
    while (there.size() > 1 && there.ends_with('/')) there.pop_back();
    if (const auto resolved = canonical(there, reason); !resolved.empty()) {
      if (missing.empty()) return resolved;
      auto whole = (resolved == "/" ? "" : resolved) + missing;
      auto normal = std::filesystem::path(whole).lexically_normal().string();
      // A ".." in what is missing may lead back to what is there, and to a link.
      return normal == whole ? whole : canonical_as_far_as_it_exists(normal);
    }
    const auto slash = there.rfind('/');
    if (slash == std::string::npos || there == "/") return path;
    missing.insert(0, there.substr(slash));
    there.resize(slash == 0 ? 1 : slash);
  }
}

std::string foreign_symlink(const std::string& path, uid_t caller) {
  std::string ignored;
  std::string way = path.starts_with('/') ? path : canonical(".", ignored) + "/" + path;
  std::string done;
  for (int links = 0; links < 40;) {
    const auto start = way.find_first_not_of('/');
    if (start == std::string::npos) return {};
    const auto end = std::min(way.find('/', start), way.size());
    const auto name = way.substr(start, end - start);
    way = way.substr(end);
    if (name == ".") continue;
    if (name == "..") {
      done.resize(done.empty() ? 0 : done.rfind('/'));
      continue;
    }
    const auto here = done + "/" + name;
    const auto info = lstat_of(here);
    if (!info) return {};
    if (!S_ISLNK(info->st_mode)) {
      done = here;
      continue;
    }
    if (info->st_uid != caller && info->st_uid != 0) return here;
    std::error_code failed;
    const auto target = std::filesystem::read_symlink(here, failed).string();
    if (failed) return {};
    if (target.starts_with('/')) done.clear();
    way = target + "/" + way;
    ++links;
  }
  return {};
}

bool can_enter_and_read(const std::string& directory) {
  return ::access(directory.c_str(), R_OK | X_OK) == 0;
}

void make_private_directories(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return;
  if (errno == ENOENT) {
    const auto slash = path.rfind('/');
    if (slash != std::string::npos && slash > 0) {
      make_private_directories(path.substr(0, slash));
      if (::mkdir(path.c_str(), 0700) == 0) return;
    }
  }
  const int error = errno;
  const auto info = lstat_of(path);
  if (error == EEXIST && info && S_ISDIR(info->st_mode)) return;
  std::error_code ignored;
  if (error == EEXIST && std::filesystem::is_directory(path, ignored)) return;
  throw cannot("make the directory", path, error == EEXIST ? ENOTDIR : error);
}

void write_new_file(const std::string& path, std::string_view content, mode_t mode) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) throw cannot("write", path, errno);
  while (!content.empty()) {
    const auto count = ::write(file.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw cannot("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fchmod(file.get(), mode) != 0) throw cannot("write", path, errno);
}

std::optional<std::string> read_whole(const Fd& file, std::size_t limit) {
  if (!file) return std::nullopt;
  std::string content;
  std::array<char, 16384> buffer;
  while (true) {
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > limit) return std::nullopt;
  }
}

std::optional<std::string> read_file(const std::string& path, std::size_t limit) {
  return read_whole(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), limit);
}

std::string read_beginning(const std::string& path, std::size_t count) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string content(count, '\0');
  const auto got = file ? ::read(file.get(), content.data(), count) : 0;
  content.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return content;
}

int allocate(int file, std::size_t bytes, bool beyond_the_end) {
#if JAILED_LINUX
  if (::fallocate(file, beyond_the_end ? FALLOC_FL_KEEP_SIZE : 0, 0, static_cast<off_t>(bytes)) == 0) return 0;
  return errno == ENOSPC || errno == EDQUOT ? errno : 0;
#else
  static_cast<void>(file), static_cast<void>(bytes), static_cast<void>(beyond_the_end);
  return 0;
#endif
}

std::string held_in_reach(const std::string& path) {
#if JAILED_LINUX
  const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);  // for as long as the process lives
  return fd < 0 ? std::string{} : fmt::format("/proc/self/fd/{}", fd);
#else
  return ::access(path.c_str(), F_OK) == 0 ? path : std::string{};
#endif
}

std::vector<std::string> list_directory(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) return names;
  while (const auto* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

void remove_tree(const std::string& path) {
  auto name = path;
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  const auto slash = name.rfind('/');
  const auto above = slash == std::string::npos ? std::string(".") : name.substr(0, slash + 1);
  const Fd parent(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent) remove_entry(parent.get(), name.substr(slash == std::string::npos ? 0 : slash + 1));
}

Fd try_lock_directory(const std::string& path) { return try_lock(path, LOCK_EX); }

Fd try_share_directory(const std::string& path) { return try_lock(path, LOCK_SH); }

TemporaryDirectory::TemporaryDirectory(const std::string& parent, const std::string& prefix) {
  constexpr std::size_t bytes = 6;
  make_private_directories(parent);
  for (const auto& name : list_directory(parent)) {
    if (!name.starts_with(prefix) || name.size() != prefix.size() + 2 * bytes) continue;
    struct stat info {};
    const auto left = try_lock_directory(parent + "/" + name);
    if (left && ::fstat(left.get(), &info) == 0 && info.st_uid == ::geteuid()) remove_tree(parent + "/" + name);
  }
  // Somebody else's may be taken for one that was left before it is locked: then under another name.
  for (int attempt = 0; attempt < 100; ++attempt) {
    path_ = fmt::format("{}/{}{}", parent, prefix, random_hex(bytes));
    if (::mkdir(path_.c_str(), 0700) != 0) throw cannot("make the directory", path_, errno);
    lock_ = try_lock_directory(path_);
    if (lock_ && lstat_of(path_)) return;
  }
  throw cannot("lock the directory", path_, errno);
}

std::string random_hex(std::size_t count) {
  std::random_device source;
  std::string text;
  while (text.size() < count * 2) text += fmt::format("{:08x}", source());
  text.resize(count * 2);
  return text;
}

}  // namespace jailed::host
