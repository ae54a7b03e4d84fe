#include <algorithm>
#include <jailed/core/error.hpp>
#include <jailed/plan/network/policy.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

using nlohmann::json;

HostRule rule_in(const json& text) { return parse_host_rule(text.get<std::string>(), "policy"); }

NetworkPolicy policy_in(const json& text) {
  NetworkPolicy policy;
  policy.observe = text.at("observe").get<bool>();
  policy.registries = text.at("registries").get<bool>();
  for (const auto& one : text.at("allow")) policy.allow.push_back({rule_in(one.at(0)), one.at(1).get<std::string>()});
  for (const auto& one : text.at("deny")) policy.deny.push_back(rule_in(one));
  for (const auto& one : text.at("addresses")) policy.addresses.push_back(one.get<std::string>());
  return policy;
}

}  // namespace

PolicyAnswer ask_policy(const NetworkPolicy& policy, std::string_view host, std::uint16_t port) {
  for (const auto& rule : policy.deny) {
    if (covers(rule, host, rule.port)) return {false, "denied: " + host_rule_text(rule)};
  }
  if (policy.observe) return {true, "observe"};
  for (const auto& allowed : policy.allow) {
    if (covers(allowed.host, host, port)) return {true, allowed.origin + ": " + host_rule_text(allowed.host)};
  }
  return {};
}

std::string format_policy(const NetworkPolicy& policy) {
  auto allow = json::array();
  for (const auto& allowed : policy.allow) allow.push_back({host_rule_text(allowed.host), allowed.origin});
  auto deny = json::array();
  for (const auto& rule : policy.deny) deny.push_back(host_rule_text(rule));
  const json text = {{"observe", policy.observe},
                     {"registries", policy.registries},
                     {"allow", std::move(allow)},
                     {"deny", std::move(deny)},
                     {"addresses", policy.addresses}};
  return text.dump(1) + "\n";
}

std::optional<NetworkPolicy> parse_policy(std::string_view text) {
  try {
    return policy_in(json::parse(text));
  } catch (const json::exception&) {
    return std::nullopt;
  } catch (const core::UsageError&) {
    return std::nullopt;
  }
}

}  // namespace jailed::plan
