#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <jailed/host/machine/addresses.hpp>

namespace jailed::host {
namespace {

// inet_ntop has the bytes of the address alone, which are in other places of the two structures.
const void* bytes_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) return &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  if (address.sa_family == AF_INET6) return &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return nullptr;
}

}  // namespace

std::vector<std::string> own_addresses() {
  std::vector<std::string> addresses;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return addresses;
  for (const auto* one = list; one != nullptr; one = one->ifa_next) {
    const auto* bytes = one->ifa_addr == nullptr ? nullptr : bytes_of(*one->ifa_addr);
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (bytes != nullptr && ::inet_ntop(one->ifa_addr->sa_family, bytes, text.data(), text.size()) != nullptr) addresses.emplace_back(text.data());
  }
  ::freeifaddrs(list);
  return addresses;
}

}  // namespace jailed::host
