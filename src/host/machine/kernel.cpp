#include <fmt/format.h>

#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/kernel.hpp>

namespace jailed::host {

bool selinux_enforces(const std::string& root) {
  return read_file(root + "/sys/fs/selinux/enforce").value_or("").starts_with('1');
}

std::optional<UserCgroupFiles> user_cgroup(uid_t uid, const std::string& root) {
  const auto top = root + "/sys/fs/cgroup";
  if (!lstat_of(top)) return std::nullopt;
  UserCgroupFiles files;
  files.unified = lstat_of(top + "/cgroup.controllers").has_value();
  files.controllers =
      read_file(fmt::format("{0}/user.slice/user-{1}.slice/user@{1}.service/cgroup.controllers", top, uid))
          .value_or("");
  return files;
}

}  // namespace jailed::host
