#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/jail/seccomp.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {

std::string seccomp_profile_for(bool host_kernel) {
  const auto profile = seccomp_profile();
  if (host_kernel) return std::string(profile);
  auto changed = nlohmann::ordered_json::parse(profile);
  for (auto& rule : changed["syscalls"]) {
    if (rule["names"] != nlohmann::ordered_json::array({"clone3"})) continue;
    rule["action"] = "SCMP_ACT_ALLOW";
    rule.erase("errnoRet");
    rule.erase("comment");
  }
  return changed.dump(1);
}

std::string seccomp_label() {
  auto profile = nlohmann::ordered_json::parse(seccomp_profile());
  for (auto& rule : profile["syscalls"]) rule.erase("comment");
  return profile.dump();
}

}  // namespace jailed::plan
