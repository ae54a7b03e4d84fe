#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <jailed/host/copy_beneath.hpp>
#include <jailed/host/fd.hpp>
#include <string_view>

namespace jailed::host {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// The directory that holds the last component, step by step from `root`; missing ones are made when asked for.
Fd holder_of(const std::string& root, std::string_view& relative, bool make) {
  Fd here(::open(root.c_str(), kDirectory));
  for (auto slash = relative.find('/'); here && slash != std::string_view::npos; slash = relative.find('/')) {
    const std::string name(relative.substr(0, slash));
    relative.remove_prefix(slash + 1);
    if (make && ::mkdirat(here.get(), name.c_str(), 0700) != 0 && errno != EEXIST) return {};
    here = Fd(::openat(here.get(), name.c_str(), kDirectory));
  }
  return here;
}

bool copy_bytes(int from, int to, std::uint64_t most) {
  std::array<char, 16384> buffer;
  while (true) {
    const auto count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    if (static_cast<std::uint64_t>(count) > most) return false;
    most -= static_cast<std::uint64_t>(count);
    for (ssize_t done = 0; done < count;) {
      const auto written = ::write(to, buffer.data() + done, static_cast<std::size_t>(count - done));
      if (written < 0 && errno != EINTR) return false;
      if (written > 0) done += written;
    }
  }
}

}  // namespace

bool copy_beneath(const std::string& from, const std::string& to, const std::string& relative, std::uint64_t most) {
  std::string_view name_there = relative, name_here = relative;
  const auto source_directory = holder_of(from, name_there, false);
  if (!source_directory) return false;
  // Not blocking: it may be a FIFO by now.
  const Fd source(::openat(source_directory.get(), std::string(name_there).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!source || ::fstat(source.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const auto target_directory = holder_of(to, name_here, true);
  if (!target_directory) return false;
  const std::string name(name_here);
  const Fd target(::openat(target_directory.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!target) return false;
  if (copy_bytes(source.get(), target.get(), most)) return true;
  ::unlinkat(target_directory.get(), name.c_str(), 0);
  return false;
}

}  // namespace jailed::host
