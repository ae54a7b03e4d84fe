#pragma once
#include <string_view>

namespace jailed::socket_proxy {

/// Whether a text has only letters and digits of ASCII, and characters of `more`.
bool consists_of(std::string_view text, std::string_view more);

/// A name as engines allow it for containers, networks and volumes.
bool is_name(std::string_view text);

/// One that jailed gives to jails, their volumes and networks: nobody else may take it, or be taken for one of them.
bool is_jails_name(std::string_view text);

/// A reference to an image in a registry or in the engine's storage. podman would read "dir:/etc" and the
/// like as a file of the host.
bool is_image(std::string_view text);

/// A path in the container, in plain characters: podman glues such values together with ':' and ',' into mount options.
bool is_container_path(std::string_view text);

/// "8080", "8080/udp".
bool is_port(std::string_view text);

}  // namespace jailed::socket_proxy
