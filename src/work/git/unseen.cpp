#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/core/fields.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/sync/problems.hpp>
#include <jailed/work/git/unseen.hpp>

namespace jailed::work {
namespace {

constexpr const char* kNotCarried = "not-carried";
constexpr std::size_t kLongestList = 64U << 20;

}  // namespace

std::vector<std::string> paths_in(std::string_view text) {
  std::vector<std::string> paths;
  for (const auto path : core::fields(text)) paths.emplace_back(path);
  return paths;
}

void note_unseen(const std::string& part, std::string_view paths) { host::write_new_file(part + "/" + kNotCarried, paths, 0600); }

std::string unseen_obstacle(const std::string& part, const std::string& project, std::string_view raw) {
  auto unseen = paths_in(host::read_below(part, kNotCarried, kLongestList).value_or(""));
  std::erase_if(unseen, [&](const auto& path) { return !path.starts_with(project + "/"); });
  for (auto& path : unseen) path.erase(0, project.size() + 1);
  const auto deleted = plan::deleted_unseen(raw, unseen);
  return deleted ? fmt::format("{} would be deleted, which the jail has never had", core::printable(*deleted)) : std::string{};
}

}  // namespace jailed::work
