#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/tree.hpp>
#include <memory>
#include <vector>

#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

namespace jailed::host {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::size_t kDeepest = 64;
constexpr std::size_t kMostCopied = 200000;

using Visit = std::function<bool(const std::string&, const struct stat&)>;

std::vector<std::string> names_in(int directory) {
  std::vector<std::string> names;
  Fd copy(::openat(directory, ".", kDirectory));
  if (!copy) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy.get()), &::closedir);
  if (!stream) return names;
  [[maybe_unused]] const int owned_by_stream = copy.release();
  while (const auto* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool walk(int directory, const std::string& prefix, std::size_t depth, std::size_t& left,
          const Visit& visit) {
  for (const auto& name : names_in(directory)) {
    if (left-- == 0) {
      left = 0;
      return false;
    }
    struct stat info {};
    if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const auto path = prefix.empty() ? name : prefix + "/" + name;
    if (!visit(path, info) || !S_ISDIR(info.st_mode) || depth >= kDeepest) continue;
    const Fd child(::openat(directory, name.c_str(), kDirectory));
    if (child && !walk(child.get(), path, depth + 1, left, visit)) return false;
  }
  return true;
}

[[noreturn]] void cannot_copy(const std::string& to) {
  throw core::Error(fmt::format("Cannot write {}: {}.", core::printable(to), std::strerror(errno)),
                    errno == ENOSPC || errno == EDQUOT ? "free some space there, then try again" : "");
}

void copy_content(int from, int to, const std::string& name) {
#ifdef FICLONE
  if (::ioctl(to, FICLONE, from) == 0) return;
#endif
  std::array<char, 65536> buffer;
  while (true) {
    const auto count = ::read(from, buffer.data(), buffer.size());
    if (count == 0) return;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) cannot_copy(name);
    for (ssize_t done = 0; done < count;) {
      const auto written = ::write(to, buffer.data() + done, static_cast<std::size_t>(count - done));
      if (written < 0 && errno != EINTR) cannot_copy(name);
      if (written > 0) done += written;
    }
  }
}

}  // namespace

Fd open_below(const std::string& root, std::string_view path) {
  Fd directory(::open(root.c_str(), kDirectory));
  while (directory) {
    const auto slash = path.find('/');
    const std::string part(path.substr(0, slash));
    if (part.empty() || part == "." || part == "..") return {};
    if (slash != std::string_view::npos) {
      directory = Fd(::openat(directory.get(), part.c_str(), kDirectory));
      path.remove_prefix(slash + 1);
      continue;
    }
    Fd file(::openat(directory.get(), part.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    return file;
  }
  return {};
}

std::optional<std::string> read_below(const std::string& root, std::string_view path, std::size_t limit) {
  const auto file = open_below(root, path);
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

bool walk_tree(const std::string& directory, std::size_t limit, const Visit& visit) {
  const Fd root(::open(directory.c_str(), kDirectory));
  return !root || walk(root.get(), {}, 0, limit, visit);
}

bool copy_below(const std::string& from_root, std::string_view path, const std::string& to) {
  const auto from = open_below(from_root, path);
  struct stat info {};
  if (!from || ::fstat(from.get(), &info) != 0) return false;
  const mode_t mode = (info.st_mode & S_IXUSR) != 0 ? 0755 : 0644;
  const Fd copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!copy) cannot_copy(to);
  ::fchmod(copy.get(), mode);
  copy_content(from.get(), copy.get(), to);
  return true;
}

void copy_tree_below(const std::string& from_root, const std::string& path, const std::string& to) {
  const auto info = lstat_of(from_root + "/" + path);
  if (!info) return;
  if (!S_ISDIR(info->st_mode)) {
    copy_below(from_root, path, to);
    return;
  }
  ::mkdir(to.c_str(), 0755);
  walk_tree(from_root + "/" + path, kMostCopied, [&](const std::string& name, const struct stat& found) {
    if (S_ISDIR(found.st_mode)) ::mkdir((to + "/" + name).c_str(), 0755);
    if (S_ISREG(found.st_mode) && !name.ends_with(".sample"))
      copy_below(from_root, path + "/" + name, to + "/" + name);
    return true;
  });
}

}  // namespace jailed::host
