#include <algorithm>
#include <jailed/core/annotation.hpp>

namespace jailed::core {

bool only_describes(std::string_view annotation) {
  static constexpr std::string_view known[] = {"org.opencontainers.", "org.label-schema.", "com.docker.", "vnd.docker.", "io.buildah.", "io.artifacthub.", "dev.sigstore."};
  return std::any_of(std::begin(known), std::end(known), [&](auto beginning) { return annotation.starts_with(beginning); });
}

}  // namespace jailed::core
