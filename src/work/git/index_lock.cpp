#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/work/git/host_git.hpp>
#include <jailed/work/git/index_lock.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace jailed::work {
namespace {

constexpr const char* kLock = "index.lock";
constexpr std::string_view kMark = "jailed brings the commits of a jail home; after a crash: jailed git import\n";
constexpr int kLockTries = 20;
constexpr auto kLockMoment = std::chrono::milliseconds(50);

// Complete, and held, before it has the name that counts: a lock without the mark would be somebody else's.
host::Fd make_marked(int directory, const char* name, std::optional<std::pair<uid_t, gid_t>> owner) {
  host::Fd file(::openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) return file;
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 ||
      ::write(file.get(), kMark.data(), kMark.size()) != static_cast<ssize_t>(kMark.size()) ||
      (owner && ::fchown(file.get(), owner->first, owner->second) != 0)) {
    ::unlinkat(directory, name, 0);
    return {};
  }
  return file;
}

bool is_the_lock(int directory, int file) {
  struct stat named {}, open {};
  return ::fstatat(directory, kLock, &named, AT_SYMLINK_NOFOLLOW) == 0 && ::fstat(file, &open) == 0 &&
         named.st_ino == open.st_ino && named.st_dev == open.st_dev;
}

// One that a jailed left which is no more: marked, and nobody holds it.
void remove_left(int directory) {
  const host::Fd file(::openat(directory, kLock, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  std::array<char, 256> text{};
  const auto count = file ? ::read(file.get(), text.data(), text.size()) : -1;
  if (count < 0 || std::string_view(text.data(), static_cast<std::size_t>(count)) != kMark) return;
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0 && is_the_lock(directory, file.get())) ::unlinkat(directory, kLock, 0);
}

}  // namespace

IndexLock::IndexLock(const std::string& git_dir, std::optional<std::pair<uid_t, gid_t>> owner)
    : directory_(host::open_exactly(git_dir)) {
  struct stat info {};
  // Whoever owns a directory above can put another one in its place.
  if (!directory_ || ::fstat(directory_.get(), &info) != 0 || (owner && info.st_uid != owner->first))
    throw Refused(fmt::format("{} cannot be opened", core::printable(git_dir)));
  const auto prefix = fmt::format("{}.jailed-", kLock);
  for (const auto& name : host::list_directory(git_dir)) {
    const host::Fd left(name.starts_with(prefix) ? ::openat(directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1);
    if (left && ::flock(left.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(directory_.get(), name.c_str(), 0);
  }
  const auto made = prefix + std::to_string(::getpid());
  auto marked = make_marked(directory_.get(), made.c_str(), owner);
  if (!marked) throw Refused(fmt::format("cannot write in {}: {}", core::printable(git_dir), std::strerror(errno)));
  for (int i = 0; i < kLockTries && !held_; ++i) {
    if (i > 0) std::this_thread::sleep_for(kLockMoment);
    remove_left(directory_.get());
    // As O_EXCL, with the content there. File systems without hard links lose that for the length of a write.
    if (::linkat(directory_.get(), made.c_str(), directory_.get(), kLock, 0) == 0) {
      held_ = std::move(marked);
      break;
    }
    if (errno != EEXIST) held_ = make_marked(directory_.get(), kLock, owner);
  }
  ::unlinkat(directory_.get(), made.c_str(), 0);
  if (held_) return;
  throw Refused(fmt::format("your branch stays where it is while git has the index locked; if no git runs there: rm {}",
                            core::shell_quote(git_dir + "/index.lock")));
}

void IndexLock::clear(const std::string& git_dir) {
  if (!host::lstat_of(git_dir + "/" + kLock) && !host::lstat_of(git_dir + "/" + kNewIndex)) return;
  try {
    const IndexLock lock(git_dir, std::nullopt);
    ::unlinkat(lock.directory(), kNewIndex, 0);
  } catch (const Refused&) {
    // A git that runs there, or one that was killed: neither is jailed's to end.
  }
}

IndexLock::~IndexLock() {
  if (is_the_lock(directory_.get(), held_.get())) ::unlinkat(directory_.get(), kLock, 0);
}

}  // namespace jailed::work
