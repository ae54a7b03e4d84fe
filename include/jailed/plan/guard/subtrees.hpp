#pragma once
#include <iterator>
#include <set>
#include <string>

namespace jailed::plan {

/// Paths, each with all that is below it. To ask takes no longer for many of them.
class Subtrees {
 public:
  void add(const std::string& path) {
    const auto top = path + "/";
    auto below = tops_.lower_bound(top);
    while (below != tops_.end() && below->starts_with(top)) below = tops_.erase(below);
    if (!hold(path)) tops_.insert(below, top);
  }

  bool hold(const std::string& path) const {
    const auto wanted = path + "/";
    // What stands between a path and one below it begins with it as well, and none of these is below another.
    const auto next = tops_.upper_bound(wanted);
    return next != tops_.begin() && wanted.starts_with(*std::prev(next));
  }

  bool empty() const { return tops_.empty(); }

 private:
  std::set<std::string> tops_;  // each ends with a slash
};

}  // namespace jailed::plan
