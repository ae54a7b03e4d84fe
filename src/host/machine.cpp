#include <limits.h>
#include <unistd.h>

#include <array>
#include <jailed/host/machine.hpp>
#include <string_view>

namespace jailed::host {

std::uint64_t memory_size() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
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

}  // namespace jailed::host
