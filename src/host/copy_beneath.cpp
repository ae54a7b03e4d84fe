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

bool read_all(int from, std::string& text, std::uint64_t most) {
  std::array<char, 16384> buffer;
  while (true) {
    const auto count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > most) return false;
  }
}

bool write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(to, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::optional<std::string> read_beneath(const std::string& root, const std::string& relative, std::uint64_t most) {
  std::string_view name = relative;
  const auto directory = holder_of(root, name, false);
  if (!directory) return std::nullopt;
  // Not blocking: it may be a FIFO by now.
  const Fd file(::openat(directory.get(), std::string(name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  std::string text;
  if (!read_all(file.get(), text, most)) return std::nullopt;
  return text;
}

bool is_beneath(const std::string& root, const std::string& relative) {
  std::string_view name = relative;
  const auto directory = holder_of(root, name, false);
  struct stat info {};
  return directory && ::fstatat(directory.get(), std::string(name).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

bool write_new_beneath(const std::string& root, const std::string& relative, std::string_view text) {
  std::string_view rest = relative;
  const auto directory = holder_of(root, rest, true);
  if (!directory) return false;
  const std::string name(rest);
  const Fd file(::openat(directory.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return false;
  if (write_all(file.get(), text)) return true;
  ::unlinkat(directory.get(), name.c_str(), 0);
  return false;
}

bool copy_beneath(const std::string& from, const std::string& to, const std::string& relative, std::uint64_t most) {
  const auto text = read_beneath(from, relative, most);
  return text && write_new_beneath(to, relative, *text);
}

}  // namespace jailed::host
