#pragma once
#include <span>
#include <string_view>

namespace jailed::plan {

/// A file of the image's build context, compiled in from docker/.
struct ContextFile {
  std::string_view path;  // relative, as in docker/
  std::string_view content;
};

std::span<const ContextFile> image_context();

/// SHA-256, in hex, over all paths and contents.
std::string_view image_context_digest();

}  // namespace jailed::plan
