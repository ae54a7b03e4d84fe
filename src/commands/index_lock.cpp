#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <jailed/commands/host_git.hpp>
#include <jailed/commands/index_lock.hpp>
#include <jailed/core/command.hpp>
#include <string_view>
#include <thread>

namespace jailed::commands {
namespace {

constexpr const char* kLock = "index.lock";
constexpr const char* kMade = "index.lock.jailed";
constexpr std::string_view kMark = "jailed brings the commits of a jail home; after a crash: jailed git import\n";
constexpr int kTimesTried = 20;
constexpr auto kMoment = std::chrono::milliseconds(50);

// Complete before it has the name that counts: a lock without the mark would be somebody else's.
bool make_marked(int directory, std::optional<std::pair<uid_t, gid_t>> owner) {
  ::unlinkat(directory, kMade, 0);
  const host::Fd file(::openat(directory, kMade, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file || ::write(file.get(), kMark.data(), kMark.size()) != static_cast<ssize_t>(kMark.size())) return false;
  return !owner || ::fchown(file.get(), owner->first, owner->second) == 0;
}

// Like O_EXCL, with the content there. File systems without hard links lose that for the length of a write.
bool take(int directory, std::optional<std::pair<uid_t, gid_t>> owner) {
  if (::linkat(directory, kMade, directory, kLock, 0) == 0) return true;
  if (errno == EEXIST) return false;
  const host::Fd file(::openat(directory, kLock, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) return false;
  [[maybe_unused]] const auto marked = ::write(file.get(), kMark.data(), kMark.size());
  if (owner) [[maybe_unused]]
    const int given = ::fchown(file.get(), owner->first, owner->second);
  return true;
}

}  // namespace

IndexLock::IndexLock(const std::string& git_dir, std::optional<std::pair<uid_t, gid_t>> owner)
    : directory_(::open(git_dir.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) {
  struct stat info {};
  // Whoever owns a directory above can put another one in its place.
  if (!directory_ || ::fstat(directory_.get(), &info) != 0 || (owner && info.st_uid != owner->first))
    throw Refused(fmt::format("{} cannot be opened", core::printable(git_dir)));
  if (!make_marked(directory_.get(), owner))
    throw Refused(fmt::format("cannot write in {}: {}", core::printable(git_dir), std::strerror(errno)));
  bool held = false;
  for (int i = 0; i < kTimesTried && !held; ++i) {
    if (i > 0) std::this_thread::sleep_for(kMoment);
    // Two jailed at the same commits do not meet here: the session is locked. Another session's ended like a kill.
    if (is_ours()) ::unlinkat(directory_.get(), kLock, 0);
    held = take(directory_.get(), owner);
  }
  ::unlinkat(directory_.get(), kMade, 0);
  if (held) return;
  throw Refused(fmt::format("your branch stays where it is while git has the index locked; if no git runs there: rm {}",
                            core::shell_quote(git_dir + "/index.lock")));
}

IndexLock::~IndexLock() {
  if (is_ours()) ::unlinkat(directory_.get(), kLock, 0);
}

bool IndexLock::is_ours() const {
  const host::Fd file(::openat(directory_.get(), kLock, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  std::array<char, 256> text{};
  const auto count = file ? ::read(file.get(), text.data(), text.size()) : -1;
  return count >= 0 && std::string_view(text.data(), static_cast<std::size_t>(count)) == kMark;
}

}  // namespace jailed::commands
