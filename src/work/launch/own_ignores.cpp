#include <sys/stat.h>

#include <filesystem>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <jailed/work/launch/beside.hpp>
#include <jailed/work/launch/own_ignores.hpp>

namespace jailed::work {

std::optional<std::string> read_own_ignores(const std::string& file, const std::string& sessions) {
  constexpr int most_links = 40;
  auto path = file;
  for (int links = 0; links < most_links; ++links) {
    std::string reason;
    const auto slash = path.rfind('/');
    const auto directory = host::canonical(path.substr(0, slash) + "/", reason);
    const auto name = path.substr(slash + 1);
    const auto whole = plan::resolve_path(directory, name);
    const auto info = host::lstat_of(whole);
    if (directory.empty() || !info) return std::nullopt;
    if (!S_ISLNK(info->st_mode)) return host::read_below(directory, name, host::kLongestFile);
    if (is_in_running_jail(sessions, whole)) return std::nullopt;
    std::error_code failed;
    path = plan::resolve_path(directory, std::filesystem::read_symlink(whole, failed).string());
    if (failed) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace jailed::work
