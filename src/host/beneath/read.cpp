#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/files.hpp>
#include <utility>

namespace jailed::host {
namespace {

using Visit = std::function<bool(const std::string&, const struct stat&)>;
using VisitEntry = std::function<bool(const WalkedEntry&)>;

class OrderedWalk : public TreeWalk {
 public:
  OrderedWalk(std::size_t limit, const VisitEntry& visit) : TreeWalk({.names = limit == SIZE_MAX ? limit : limit + 1}), left_(limit), visit_(visit) {}

  bool saw_all(Fd root) { return run(std::move(root)) && whole_; }

 protected:
  void opened(const ScannedDirectory& directory) override {
    std::sort(directory.names.begin(), directory.names.end(),
              [](const auto& one, const auto& other) { return one.name < other.name; });
  }

  bool meet(const std::string& directory_path, int directory, const ScannedName& name) override {
    if (left_ == 0) {
      stop();
      return false;
    }
    --left_;
    struct stat info {};
    if (::fstatat(directory, name.name.data(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      whole_ = whole_ && errno == ENOENT;
      return false;
    }
    path_.assign(directory_path);
    if (!path_.empty()) path_ += '/';
    path_ += name.name;
    return visit_({path_, name.name.data(), directory, info});
  }

  void unreadable(const std::string&) override { whole_ = false; }

 private:
  bool whole_ = true;
  std::size_t left_;
  const VisitEntry& visit_;
  std::string path_;
};

// What is copied of a tree.
class Counted {
 public:
  Counted(const CopyLimits& limits, std::string tree) : limits_(limits), tree_(std::move(tree)) {}

  void add(const struct stat& info) {
    constexpr std::uint64_t kBlock = 512;
    bytes_ += S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_blocks) * kBlock : 0;
    if (++files_ <= limits_.files && bytes_ <= limits_.bytes) return;
    throw core::Error(fmt::format("{} has more than {}, so no jail gets a copy of it.", core::printable(tree_),
                                  files_ > limits_.files ? fmt::format("{} files", limits_.files) : fmt::format("{} MiB", limits_.bytes >> 20)),
                      "tidy it up, or work without the repository: --git none");
  }

 private:
  const CopyLimits& limits_;
  std::string tree_;
  std::size_t files_ = 0;
  std::uint64_t bytes_ = 0;
};

[[noreturn]] void cannot_copy(const std::string& to) {
  throw core::Error(fmt::format("Cannot write {}: {}.", core::printable(to), std::strerror(errno)),
                    errno == ENOSPC || errno == EDQUOT ? "free some space there, then try again" : "");
}

// Of a directory that is open; the mode of the copy is 0644, or 0755 when the owner may execute it.
bool copy_file(int directory, const char* name, const std::string& to) {
  const Fd from(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!from || ::fstat(from.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const mode_t mode = (info.st_mode & S_IXUSR) != 0 ? 0755 : 0644;
  const Fd copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!copy) cannot_copy(to);
  ::fchmod(copy.get(), mode);
  if (!copy_content(from.get(), copy.get())) cannot_copy(to);
  return true;
}

}  // namespace

Fd open_below(const std::string& root, std::string_view path) {
  Fd directory = open_exactly(root);
  while (directory) {
    const auto slash = path.find('/');
    const std::string part(path.substr(0, slash));
    if (part.empty() || part == "." || part == "..") return {};
    if (slash != std::string_view::npos) {
      directory = Fd(::openat(directory.get(), part.c_str(), kOpenDirectory));
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
  return read_whole(open_below(root, path), limit);
}

std::optional<std::string> read_entry(const WalkedEntry& entry, std::size_t limit) {
  const Fd file(::openat(entry.directory, entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return read_whole(file, limit);
}

bool walk_entries(Fd root, std::size_t limit, const VisitEntry& visit) {
  if (!root) return errno == ENOENT;
  return OrderedWalk(limit, visit).saw_all(std::move(root));
}

bool walk_tree(const std::string& directory, std::size_t limit, const Visit& visit) {
  return walk_entries(open_exactly(directory), limit,
                      [&](const WalkedEntry& entry) { return visit(entry.path, entry.info); });
}

bool copy_below(const std::string& from_root, std::string_view path, const std::string& to) {
  const auto slash = path.rfind('/');
  const auto above = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
  const std::string name(path.substr(slash == std::string_view::npos ? 0 : slash + 1));
  const auto directory = open_directory_below(from_root, above);
  if (!directory || name.empty() || name == "." || name == "..") return false;
  return copy_file(directory.get(), name.c_str(), to);
}

void copy_tree_below(const std::string& from_root, const std::string& path, const std::string& to, const CopyLimits& limits) {
  Fd directory = open_directory_below(from_root, path);
  if (!directory) {
    copy_below(from_root, path, to);
    return;
  }
  ::mkdir(to.c_str(), 0755);
  Counted copied(limits, from_root + "/" + path);
  walk_entries(std::move(directory), limits.files + 1, [&](const WalkedEntry& entry) {
    copied.add(entry.info);
    const auto target = to + "/" + entry.path;
    // No path of git's is that long, and none can be opened.
    if (target.size() >= PATH_MAX) return false;
    if (S_ISDIR(entry.info.st_mode)) ::mkdir(target.c_str(), 0755);
    if (S_ISREG(entry.info.st_mode) && !entry.path.ends_with(".sample")) copy_file(entry.directory, entry.name, target);
    return true;
  });
}

}  // namespace jailed::host
