#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <jailed/core/agent.hpp>
#include <jailed/host/beneath/copy.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/plan/jail/logins.hpp>
#include <jailed/work/launch/logins.hpp>
#include <vector>

namespace jailed::work {
namespace {

constexpr std::uint64_t kLongestLogin = 1 << 20;

void copy_login(const core::Agent& agent, const core::LoginFile& file, const std::string& from, const std::string& to) {
  const std::string path(file.path);
  if (host::is_beneath(to, path)) return;
  if (!file.renews_itself) {
    host::copy_beneath(from, to, path, kLongestLogin);
    return;
  }
  const auto text = host::read_below(from, path, kLongestLogin);
  if (!text) return;
  const auto copy = plan::login_copy(*text, file.keeps);
  if (copy.text) host::write_new_beneath(to, path, *copy.text);
  if (!copy.left_out) return;
  spdlog::warn("--copy-logins: {}'s login stays where it is: its refresh token is good for one use, so a copy would log out "
               "one of the two.", agent.title);
  spdlog::warn("  log in once in this profile: {}", agent.log_in);
}

}  // namespace

void copy_logins(const std::string& shared_agents, const std::string& agents) {
  for (const auto& agent : core::agents()) {
    for (const auto& file : agent.logins) copy_login(agent, file, shared_agents, agents);
  }
}

void tell_of_logins_elsewhere(const std::string& agents) {
  std::vector<std::string_view> titles;
  for (const auto& agent : core::agents()) {
    for (const auto& file : agent.logins) {
      if (!file.renews_itself) continue;
      const auto text = host::read_below(agents, std::string(file.path), kLongestLogin);
      if (text && plan::login_copy(*text, file.keeps).left_out) titles.push_back(agent.title);
    }
  }
  if (titles.empty()) return;
  spdlog::info("Logins go to that machine and come back: {}. In two jails at once the first to renew one logs the other "
               "out; logins of its own: --profile NAME", fmt::join(titles, ", "));
}

bool has_login(const core::Agent& agent, const std::string& agents) {
  return std::any_of(agent.logins.begin(), agent.logins.end(), [&](const auto& file) {
    const auto text = host::read_below(agents, std::string(file.path), kLongestLogin);
    return text && plan::holds_login(*text);
  });
}

}  // namespace jailed::work
