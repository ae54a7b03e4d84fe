#include <fmt/format.h>

#include <algorithm>
#include <jailed/plan/guard/mounts.hpp>
#include <jailed/plan/project/project.hpp>
#include <utility>

namespace jailed::plan {
namespace {

constexpr std::size_t kMostMounts = 64;

std::size_t depth_of(std::string_view path) {
  return static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

bool is_mounted(const std::vector<BindMount>& binds, const std::string& target) {
  return std::any_of(binds.begin(), binds.end(), [&](const auto& bind) { return bind.target == target; });
}

bool is_read_only(const std::vector<BindMount>& binds, const std::string& target) {
  return std::any_of(binds.begin(), binds.end(),
                     [&](const auto& bind) { return bind.read_only && is_within(target, bind.target); });
}

// A mount there would cover one that is there already.
bool would_cover(const std::vector<BindMount>& binds, const std::string& target) {
  return std::any_of(binds.begin(), binds.end(),
                     [&](const auto& bind) { return is_within(bind.target, target); });
}

}  // namespace

GuardPlan plan_guards(std::vector<Guard> guards, const GuardSources& sources,
                      const std::vector<BindMount>& others) {
  GuardPlan plan;
  std::stable_sort(guards.begin(), guards.end(), [](const Guard& left, const Guard& right) {
    return depth_of(left.path) < depth_of(right.path);
  });
  auto binds = others;
  const auto first = binds.size();
  std::vector<BindMount> pins;
  for (const auto& guard : guards) {
    const auto target = sources.target + "/" + guard.path;
    if (is_read_only(binds, target)) continue;
    if (!unmountable(guard.path).empty() || would_cover(binds, target) ||
        binds.size() + pins.size() - first >= kMostMounts || (guard.directory && !sources.alone)) {
      ++plan.unguarded;
      continue;
    }
    if (guard.directory) {
      binds.push_back({sources.workspace + "/" + guard.path, target, true});
    } else {
      binds.push_back({fmt::format("{}/guard/{}", sources.view, plan.copies.size()), target, true});
      plan.copies.push_back(guard.path);
    }
    if (!sources.alone) continue;
    auto above = guard.path;
    for (std::size_t i = 0; i < guard.pinned && above.rfind('/') != std::string::npos; ++i) {
      above.resize(above.rfind('/'));
      const auto place = sources.target + "/" + above;
      if (!is_mounted(pins, place) && !would_cover(others, place))
        pins.push_back({sources.workspace + "/" + above, place, false});
    }
  }
  plan.binds.assign(binds.begin() + static_cast<std::ptrdiff_t>(first), binds.end());
  plan.binds.insert(plan.binds.end(), pins.begin(), pins.end());
  std::sort(plan.binds.begin(), plan.binds.end(), [](const BindMount& left, const BindMount& right) {
    return std::pair(depth_of(left.target), left.target) < std::pair(depth_of(right.target), right.target);
  });
  return plan;
}

}  // namespace jailed::plan
