#include <algorithm>
#include <array>
#include <cctype>
#include <jailed/socket_proxy/names.hpp>
#include <string>

namespace jailed::socket_proxy {

bool consists_of(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x80 && std::isalnum(byte) != 0) || more.find(c) != std::string_view::npos;
  });
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::isalnum(static_cast<unsigned char>(name.front())) != 0 &&
         consists_of(name, "_.-");
}

bool is_jails_name(std::string_view name) { return name.starts_with("jailed-"); }

bool is_image(std::string_view reference) {
  static constexpr std::array<std::string_view, 12> transports = {
      "docker", "dir",    "oci",    "oci-archive", "docker-archive", "docker-daemon", "containers-storage",
      "sif",    "atomic", "ostree", "tarball",     "docker-remote"};
  if (reference.empty() || reference.size() > 512 ||
      std::isalnum(static_cast<unsigned char>(reference.front())) == 0 || !consists_of(reference, "_.-/:@")) {
    return false;
  }
  // No engine has a name of such parts, and in a path they lead to another call.
  if (reference.find("/.") != std::string_view::npos || reference.find("//") != std::string_view::npos || reference.ends_with('/')) return false;
  const auto colon = reference.find(':');
  return colon == std::string_view::npos ||
         std::find(transports.begin(), transports.end(), reference.substr(0, colon)) == transports.end();
}

bool is_container_path(std::string_view path) {
  return path.starts_with('/') && std::none_of(path.begin(), path.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || c == ':' || c == ',' || c == '"' || c == '\\';
         });
}

bool is_port(std::string_view port) {
  if (const auto slash = port.find('/'); slash != std::string_view::npos) {
    const auto protocol = port.substr(slash + 1);
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return false;
    port = port.substr(0, slash);
  }
  return !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace jailed::socket_proxy
