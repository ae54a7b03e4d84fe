#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <jailed/core/platform.hpp>
#include <jailed/host/beneath/beneath.hpp>
#include <memory>
#include <utility>

#if JAILED_LINUX
#include <sys/syscall.h>
#endif

namespace jailed::host {
namespace {

constexpr std::size_t kMostOpen = 32;
constexpr std::size_t kMostBytes = std::size_t{256} << 20;  // of names in one directory: nine million of usual length
using Kind = ScannedName::Kind;

Kind kind_of_mode(mode_t mode) {
  return S_ISREG(mode)   ? Kind::file
         : S_ISDIR(mode) ? Kind::directory
         : S_ISLNK(mode) ? Kind::link
                         : Kind::other;
}

}  // namespace

Fd open_exactly(const std::string& path, bool any_kind) {
#if JAILED_LINUX
  constexpr int step_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const int last_flags = any_kind ? O_PATH | O_NOFOLLOW | O_CLOEXEC : kOpenDirectory;
#else
  constexpr int step_flags = kOpenDirectory;
  const int last_flags = any_kind ? O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC : kOpenDirectory;
#endif
  Fd here(::open("/", kOpenDirectory));
  std::string_view rest = path;
  if (!path.starts_with('/')) return {};
  while (here) {
    while (rest.starts_with('/')) rest.remove_prefix(1);
    if (rest.empty()) return here;
    const std::string part(rest.substr(0, rest.find('/')));
    rest.remove_prefix(part.size());
    if (part == "." || part == "..") return {};
    const bool last = rest.find_first_not_of('/') == std::string_view::npos;
    here = Fd(::openat(here.get(), part.c_str(), last ? last_flags : step_flags));
    if (!last || !here) continue;
    struct stat info {};
    // With O_PATH a link itself can be opened.
    if (::fstat(here.get(), &info) != 0 || S_ISLNK(info.st_mode)) {
      errno = ELOOP;
      return {};
    }
    return here;
  }
  return here;
}

bool open_up(int parent, const char* name, mode_t rights) {
#if JAILED_LINUX
  const Fd place(::openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!place || ::fstat(place.get(), &info) != 0 || S_ISLNK(info.st_mode)) return false;
  // By the descriptor: the name may be a link by now.
  return ::chmod(fmt::format("/proc/self/fd/{}", place.get()).c_str(), (info.st_mode & 07777) | rights) == 0;
#else
  return ::fchmodat(parent, name, S_IRUSR | S_IWUSR | rights, AT_SYMLINK_NOFOLLOW) == 0;
#endif
}

bool open_up(int directory, mode_t rights) {
  struct stat info {};
  return ::fstat(directory, &info) == 0 && ::fchmod(directory, (info.st_mode & 07777) | rights) == 0;
}

bool is_searchable(int directory, mode_t rights) {
  struct stat info {};
  if (::fstatat(directory, ".", &info, 0) == 0 || errno != EACCES) return true;
  if (rights != 0 && open_up(directory, rights)) return true;
  errno = EACCES;
  return false;
}

Fd open_even_closed(int parent, const char* name, int flags, mode_t rights) {
  Fd fd(::openat(parent, name, flags));
  if (!fd && errno == EACCES && rights != 0 && open_up(parent, name, rights))
    fd = Fd(::openat(parent, name, flags));
  return fd;
}

void DirectoryNames::add(int directory, const char* name, unsigned char type) {
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
  found_.push_back({bytes_.size(), text.size() + 1, kind});
  bytes_.append(name, text.size() + 1);
}

#if JAILED_LINUX
// What readdir(3) does, without its stat, its lock and its allocation for every directory.
bool DirectoryNames::read_all(int directory, std::size_t most) {
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
      add(directory, buffer.data() + at + offsetof(Entry, name), entry->type);
      at += entry->length;
    }
    if (is_full(most)) {
      errno = 0;
      return false;
    }
  }
}
#else
bool DirectoryNames::read_all(int directory, std::size_t most) {
  const int copy = ::openat(directory, ".", kOpenDirectory);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(copy < 0 ? nullptr : ::fdopendir(copy), &::closedir);
  if (!stream) return false;
  while (const auto* entry = ::readdir(stream.get())) {
    add(directory, entry->d_name, entry->d_type);
    if (!is_full(most)) continue;
    errno = 0;
    return false;
  }
  return true;
}
#endif

bool DirectoryNames::is_full(std::size_t most) const { return found_.size() > most || bytes_.size() > kMostBytes; }

bool DirectoryNames::read(int directory, std::size_t most) {
  bytes_.clear();
  found_.clear();
  names_.clear();
  const bool whole = read_all(directory, most);
  if (found_.size() > most) found_.resize(most);
  for (const auto& each : found_) {
    names_.push_back({std::string_view(bytes_.data() + each.at, each.size - 1), each.kind,
                      each.kind == Kind::directory, 0});
  }
  return whole;
}

Descent::Descent(Fd root) { levels_.push_back({std::move(root), {}, 0, 0}); }

bool Descent::enter(const char* name, mode_t open_up_rights) {
  Fd fd = open_even_closed(here(), name, kOpenDirectory, open_up_rights);
  if (!fd) return false;
  if (levels_.size() > kMostOpen) {
    // What is looked for on the way back is asked of it only now: most trees are not that deep.
    auto& far = levels_[levels_.size() - kMostOpen];
    struct stat info {};
    if (far.fd && ::fstat(far.fd.get(), &info) == 0) {
      far.device = info.st_dev;
      far.inode = info.st_ino;
      far.fd.reset();
    }
  }
  levels_.push_back({std::move(fd), name, 0, 0});
  return true;
}

bool Descent::leave() {
  const auto gone = std::move(levels_.back());
  levels_.pop_back();
  auto& level = levels_.back();
  if (level.fd) return true;
  if (gone.fd) {
    Fd above(::openat(gone.fd.get(), "..", kOpenDirectory));
    struct stat info {};
    if (above && ::fstat(above.get(), &info) == 0 && info.st_dev == level.device && info.st_ino == level.inode) {
      level.fd = std::move(above);
      return true;
    }
  }
  return find_again();
}

bool Descent::find_again() {
  Fd held;
  int from = levels_.front().fd.get();
  for (std::size_t i = 1; i < levels_.size(); ++i) {
    if (levels_[i].fd) {
      from = levels_[i].fd.get();
      continue;
    }
    Fd next(::openat(from, levels_[i].name.c_str(), kOpenDirectory));
    struct stat info {};
    if (!next || ::fstat(next.get(), &info) != 0 || info.st_dev != levels_[i].device ||
        info.st_ino != levels_[i].inode)
      return false;
    held = std::move(next);
    from = held.get();
  }
  levels_.back().fd = std::move(held);
  return true;
}

void TreeWalk::open_here(int directory, std::size_t depth, int context) {
  if (steps_.size() <= depth) steps_.emplace_back();
  auto& step = steps_[depth];
  step.next = 0;
  step.path_length = path_.size();
  if (!is_searchable(directory, limits_.open_up)) {
    unreadable(path_);
    errno = 0;
  }
  opening(directory);
  const bool whole = step.names.read(directory, left_names_);
  const auto names = step.names.names();
  if (!whole) unreadable(path_);
  left_names_ -= std::min(left_names_, names.size());
  opened({path_, directory, context, names});
}

bool TreeWalk::go_in(Descent& way, const ScannedName& name) {
  errno = 0;
  if (way.depth() + 1 >= limits_.depth || path_.size() > limits_.path || left_names_ == 0) {
    unreadable(path_);
    return false;
  }
  if (way.enter(name.name.data(), limits_.open_up)) return true;
  if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) unreadable(path_);
  return false;
}

bool TreeWalk::run(Fd root) {
  Descent way(std::move(root));
  path_.clear();
  open_here(way.here(), 0, 0);
  bool lost = false;  // the directory that is looked at is at no place that is known
  while (!stopped_) {
    auto& step = steps_[way.depth()];
    const auto names = step.names.names();
    if (step.next < names.size() && !lost) {
      const auto& name = names[step.next++];
      if (!meet(path_, way.here(), name) || name.kind != Kind::directory || stopped_) continue;
      if (!path_.empty()) path_ += '/';
      path_ += name.name;
      if (go_in(way, name)) {
        open_here(way.here(), way.depth(), name.context);
      } else {
        path_.resize(step.path_length);
      }
      continue;
    }
    if (way.depth() == 0) break;
    lost = !way.leave();
    auto& above = steps_[way.depth()];
    path_.resize(above.path_length);
    errno = 0;
    if (lost) unreadable(path_);
    left(lost ? -1 : way.here(), above.names.names()[above.next - 1].name.data());
  }
  return !stopped_;
}

}  // namespace jailed::host
