#pragma once
#include <jailed/socket_proxy/upstream.hpp>
#include <optional>
#include <string>

namespace jailed::socket_proxy {

/// Podman's (4.3 to 5): the answer for a container of this image that is not made, as the image is not there, or would have the OCI runtime
/// do something: podman gives its containers its annotations. No jail moves the name of an image that is there.
std::optional<Answer> refused_image(const Upstream& engine, const std::string& image);

}  // namespace jailed::socket_proxy
