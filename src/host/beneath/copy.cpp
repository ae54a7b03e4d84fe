#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <jailed/core/platform.hpp>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/beneath/copy.hpp>
#include <jailed/host/files/fd.hpp>
#include <jailed/host/files/files.hpp>
#include <string>
#include <string_view>

namespace jailed::host {
namespace {


// What root makes in somebody's directory is that one's.
void give_away(int made, const struct stat* owner) {
  if (owner != nullptr && ::geteuid() == 0) [[maybe_unused]]
    const int kept = ::fchown(made, owner->st_uid, owner->st_gid);
}

// The directory that holds the last component, step by step from `here`; missing ones are made when asked for.
Fd holder_of(Fd here, std::string_view& relative, bool make, const struct stat* owner = nullptr) {
  for (auto slash = relative.find('/'); here && slash != std::string_view::npos; slash = relative.find('/')) {
    const std::string name(relative.substr(0, slash));
    relative.remove_prefix(slash + 1);
    const bool made = make && ::mkdirat(here.get(), name.c_str(), 0700) == 0;
    if (make && !made && errno != EEXIST) return {};
    here = Fd(::openat(here.get(), name.c_str(), kOpenDirectory));
    if (made && here) give_away(here.get(), owner);
  }
  return here;
}

bool write_content(int to, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(to, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

bool write_new_beneath(const std::string& root, const std::string& relative, std::string_view text) {
  std::string_view rest = relative;
  const auto directory = holder_of(open_exactly(root), rest, true);
  if (!directory) return false;
  const std::string name(rest);
  const Fd file(::openat(directory.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return false;
  if (write_content(file.get(), text)) return true;
  ::unlinkat(directory.get(), name.c_str(), 0);
  return false;
}

bool is_beneath(const std::string& root, const std::string& relative) {
  std::string_view rest = relative;
  const auto directory = holder_of(open_exactly(root), rest, false);
  struct stat info {};
  return directory && ::fstatat(directory.get(), std::string(rest).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

bool copy_beneath(const std::string& from, const std::string& to, const std::string& relative, std::uint64_t most) {
  std::string_view name_there = relative, name_here = relative;
  const auto source_directory = holder_of(open_exactly(from), name_there, false);
  if (!source_directory) return false;
  // Not blocking: it may be a FIFO by now.
  const Fd source(::openat(source_directory.get(), std::string(name_there).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!source || ::fstat(source.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const auto target_directory = holder_of(open_exactly(to), name_here, true);
  if (!target_directory) return false;
  const std::string name(name_here);
  const Fd target(::openat(target_directory.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!target) return false;
  if (copy_content(source.get(), target.get(), most)) return true;
  ::unlinkat(target_directory.get(), name.c_str(), 0);
  return false;
}

bool give_beneath(const WalkedEntry& entry, const Fd& to, const std::string& relative) {
  struct stat owner {}, info {};
  if (!to || ::fstat(to.get(), &owner) != 0) return false;
  const Fd source(::openat(entry.directory, entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!source || ::fstat(source.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  std::string_view rest = relative;
  const auto directory = holder_of(Fd(::fcntl(to.get(), F_DUPFD_CLOEXEC, 0)), rest, true, &owner);
  if (!directory) return false;
  const std::string name(rest);
  if (::fstatat(directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return S_ISREG(info.st_mode);
#if JAILED_LINUX && defined(O_TMPFILE)
  // Without a name until it is whole: however jailed ends, nothing is left half-written in a repository.
  if (const Fd unnamed(::openat(directory.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644)); unnamed) {
    give_away(unnamed.get(), &owner);
    if (!copy_content(source.get(), unnamed.get())) return false;
    const auto itself = "/proc/self/fd/" + std::to_string(unnamed.get());
    if (::linkat(AT_FDCWD, itself.c_str(), directory.get(), name.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
    if (errno == EEXIST) return ::fstatat(directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode);
    ::lseek(source.get(), 0, SEEK_SET);
  }
#endif
  const auto growing = ".jailed-" + random_hex(8);
  const Fd target(::openat(directory.get(), growing.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!target) return false;
  give_away(target.get(), &owner);
  if (copy_content(source.get(), target.get()) &&
      ::renameat(directory.get(), growing.c_str(), directory.get(), name.c_str()) == 0)
    return true;
  ::unlinkat(directory.get(), growing.c_str(), 0);
  return false;
}

}  // namespace jailed::host
