#include <fmt/format.h>

#include <jailed/core/error.hpp>
#include <jailed/host/files/directories.hpp>

namespace jailed::host {
namespace {

std::string own_directory(const core::Environment& environment, const char* variable,
                          const char* below_home) {
  if (const auto base = environment.get(variable); base && base->starts_with('/')) return *base + "/jailed";
  if (const auto home = environment.get("HOME")) return *home + below_home + "/jailed";
  throw core::Error("HOME is not set, so there is no place for jailed's files.",
                    fmt::format("set HOME or {}", variable));
}

}  // namespace

std::string cache_directory(const core::Environment& environment) {
  return own_directory(environment, "XDG_CACHE_HOME", "/.cache");
}

std::string state_directory(const core::Environment& environment) {
  return own_directory(environment, "XDG_STATE_HOME", "/.local/state");
}

}  // namespace jailed::host
