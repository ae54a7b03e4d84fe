#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::socket_proxy {

/// A request's target, taken apart and decoded once.
struct Target {
  std::string version = {};                       // "v1.41", or empty
  std::vector<std::string> segments;              // of the path, after the version
  std::map<std::string, std::string> query = {};  // without the keys that come more than once
  std::set<std::string> repeated = {};            // those
};

/// Nothing for what a daemon could read in another way than this proxy: empty, "." or ".." segments, an
/// escape within an escape, control characters, an absolute URL, and API versions
/// before 1.24, whose /start took a whole host configuration.
std::optional<Target> parse_target(std::string_view text);

/// The one spelling that is sent on.
std::string format_target(const Target& target);

}  // namespace jailed::socket_proxy
