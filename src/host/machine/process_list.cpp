#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <jailed/core/number.hpp>
#include <jailed/core/fields.hpp>
#include <jailed/host/files/fd.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/process_list.hpp>
#include <string_view>

namespace jailed::host {
namespace {

constexpr std::size_t kMostRead = 4096;

// "PID (NAME) STATE PARENT …": the name may hold anything, parentheses too.
pid_t parent_in(const std::string& stat) {
  const auto end = stat.rfind(')');
  pid_t parent = 0;
  if (end != std::string::npos && stat.size() > end + 4)
    std::from_chars(stat.data() + end + 4, stat.data() + stat.size(), parent);
  return parent;
}

// What has ended meanwhile is no secret of anybody's.
void read_command_line(const std::string& path, core::ProcessEntry& process) {
  std::string text(kMostRead, '\0');
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto count = file ? ::read(file.get(), text.data(), text.size()) : -1;
  process.closed = count < 0 && errno != ENOENT && errno != ESRCH;
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  for (const auto word : core::fields(text)) process.words.emplace_back(word);
}

}  // namespace

std::vector<core::ProcessEntry> process_list(const std::string& proc) {
  std::vector<core::ProcessEntry> processes;
  for (const auto& name : list_directory(proc)) {
    core::ProcessEntry process;
    if (!core::parse_number(name, process.pid)) continue;
    const auto directory = proc + "/" + name;
    process.parent = parent_in(read_beginning(directory + "/stat", kMostRead));
    read_command_line(directory + "/cmdline", process);
    process.cgroup = read_beginning(directory + "/cgroup", kMostRead);
    processes.push_back(std::move(process));
  }
  return processes;
}

bool runs_with_option(std::string_view option, std::string_view end) {
  struct stat ours {}, theirs {};
  if (::stat("/proc/self/ns/pid", &ours) != 0) return false;
  for (const auto& process : process_list()) {
    const auto& words = process.words;
    const bool named = std::adjacent_find(words.begin(), words.end(), [&](const auto& word, const auto& next) {
                         return word == option && next.ends_with(end);
                       }) != words.end();
    // What others run cannot be looked at, and is not the caller's.
    if (named && ::stat(fmt::format("/proc/{}/ns/pid", process.pid).c_str(), &theirs) == 0 && theirs.st_ino == ours.st_ino) return true;
  }
  return false;
}

}  // namespace jailed::host
