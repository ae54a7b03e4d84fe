#include <fmt/format.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <jailed/core/platform.hpp>
#include <jailed/core/siphash.hpp>
#include <jailed/host/machine/machine.hpp>
#include <string_view>

namespace jailed::host {
namespace {

constexpr std::uint64_t kMost =
    4194304;  // what Linux knows as the highest number of processes; plenty of files

template <typename Resource>
std::uint64_t hard_limit(Resource resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return kMost;
  return limit.rlim_max;
}

}  // namespace

std::uint64_t most_open_files() { return hard_limit(RLIMIT_NOFILE); }

std::uint64_t most_processes() {
  // Podman lowers its own limit to this one and may then not set a higher one for a jail.
  std::uint64_t most = kMost;
#if JAILED_LINUX
  std::ifstream("/proc/sys/kernel/pid_max") >> most;
#endif
  return std::min(most == 0 ? kMost : most, hard_limit(RLIMIT_NPROC));
}

std::uint64_t memory_size() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

bool engines_are_in_a_virtual_machine() {
#ifdef __APPLE__
  return true;
#else
  return false;
#endif
}

std::string time_zone() {
  std::array<char, PATH_MAX> buffer{};
  const auto length = ::readlink("/etc/localtime", buffer.data(), buffer.size());
  if (length <= 0) return {};
  const std::string_view target(buffer.data(), static_cast<std::size_t>(length));
  constexpr std::string_view marker = "/zoneinfo/";
  const auto at = target.find(marker);
  return at == std::string_view::npos ? std::string{} : std::string(target.substr(at + marker.size()));
}

mode_t file_mask() {
  const auto mask = ::umask(0077);
  ::umask(mask);
  return mask;
}

std::string machine_name() {
  std::string known;
#ifdef __APPLE__
  uuid_t id{};
  const timespec patience{1, 0};
  if (::gethostuuid(id, &patience) == 0) known.assign(reinterpret_cast<const char*>(id), sizeof id);
#else
  std::ifstream("/etc/machine-id") >> known;
#endif
  if (known.empty()) {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    known = name.data();
  }
  return fmt::format("{:016x}", core::siphash({}, known));
}

}  // namespace jailed::host
