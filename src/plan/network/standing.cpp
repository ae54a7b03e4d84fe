#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/network/standing.hpp>
#include <jailed/plan/project/projects.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

using nlohmann::json;

[[noreturn]] void bad_file(const std::string& file, const std::string& why) {
  throw core::Error(fmt::format("{} cannot be read: {}.", core::printable(file), why), "put it right, or remove it");
}

json rules_file(std::string_view text, const std::string& file) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return json::object();
  auto rules = json::parse(text, nullptr, false);
  if (!rules.is_object()) bad_file(file, "it is no JSON object");
  return rules;
}

void add_rules(std::vector<HostRule>& rules, const json& scope, const char* key, const std::string& file) {
  const auto list = scope.find(key);
  if (list == scope.end()) return;
  if (!list->is_array()) bad_file(file, fmt::format("\"{}\" is no list", key));
  for (const auto& one : *list) {
    if (!one.is_string()) bad_file(file, fmt::format("\"{}\" has what is no host", key));
    rules.push_back(parse_host_rule(one.get<std::string>(), core::printable(file)));
  }
}

void add_scope(StandingRules& rules, const json& scope, const std::string& file) {
  if (!scope.is_object()) bad_file(file, "a project's rules are no JSON object");
  add_rules(rules.allow, scope, "allow", file);
  add_rules(rules.deny, scope, "deny", file);
}

void take_out(json& scope, const char* key, const std::string& text) {
  auto& list = scope[key];
  if (!list.is_array()) list = json::array();
  json kept = json::array();
  for (auto& one : list) {
    if (one != text) kept.push_back(std::move(one));
  }
  list = std::move(kept);
}

}  // namespace

StandingRules standing_rules(std::string_view text, const std::string& project, const std::string& file) {
  StandingRules rules;
  const auto all = rules_file(text, file);
  add_scope(rules, all, file);
  const auto projects = all.find("projects");
  if (projects == all.end()) return rules;
  if (!projects->is_object()) bad_file(file, "\"projects\" is no JSON object");
  if (const auto own = projects->find(encode_bytes(project)); own != projects->end()) add_scope(rules, *own, file);
  return rules;
}

std::string with_standing_rule(std::string_view text, const std::string& project, RuleChange change, const HostRule& rule, const std::string& file) {
  standing_rules(text, project, file);  // what cannot be read is not written over
  auto all = rules_file(text, file);
  auto& scope = project.empty() ? all : all["projects"][encode_bytes(project)];
  const bool allows = change == RuleChange::allow;
  const auto name = host_rule_text(rule);
  take_out(scope, "allow", name);
  take_out(scope, "deny", name);
  scope[allows ? "allow" : "deny"].push_back(name);
  return all.dump(2) + "\n";
}

}  // namespace jailed::plan
