#include <algorithm>
#include <charconv>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/process_list.hpp>
#include <string_view>

namespace jailed::host {
namespace {

constexpr std::size_t kMostRead = 4096;

std::vector<std::string> words_in(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    words.emplace_back(text.substr(0, text.find('\0')));
    text.remove_prefix(std::min(text.size(), words.back().size() + 1));
  }
  return words;
}

// "PID (NAME) STATE PARENT …": the name may hold anything, parentheses too.
pid_t parent_in(const std::string& stat) {
  const auto end = stat.rfind(')');
  pid_t parent = 0;
  if (end != std::string::npos && stat.size() > end + 4)
    std::from_chars(stat.data() + end + 4, stat.data() + stat.size(), parent);
  return parent;
}

}  // namespace

std::vector<core::ProcessEntry> process_list() {
  std::vector<core::ProcessEntry> processes;
  for (const auto& name : list_directory("/proc")) {
    core::ProcessEntry process;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), process.pid);
    if (read.ec != std::errc{} || read.ptr != name.data() + name.size()) continue;
    const auto directory = "/proc/" + name;
    process.parent = parent_in(read_beginning(directory + "/stat", kMostRead));
    process.words = words_in(read_beginning(directory + "/cmdline", kMostRead));
    process.cgroup = read_beginning(directory + "/cgroup", kMostRead);
    processes.push_back(std::move(process));
  }
  return processes;
}

}  // namespace jailed::host
