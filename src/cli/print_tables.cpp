#include <iostream>
#include <jailed/cli/print_tables.hpp>
#include <jailed/cli/verbs.hpp>
#include <jailed/core/agent.hpp>
#include <jailed/plan/settings/table.hpp>
#include <nlohmann/json.hpp>

namespace jailed::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string text_for(plan::Takes takes) {
  switch (takes) {
    case plan::Takes::nothing:
      return "nothing";
    case plan::Takes::value:
      return "value";
    case plan::Takes::values:
      return "values";
    case plan::Takes::value_or_nothing:
      return "value or nothing";
  }
  return {};
}

std::string text_for(plan::ByProject by_project) {
  switch (by_project) {
    case plan::ByProject::no:
      return "no";
    case plan::ByProject::ask:
      return "ask";
    case plan::ByProject::yes:
      return "yes";
  }
  return {};
}

Json json_of(const plan::Setting& setting) {
  auto verbs = Json::array();
  for (const auto& row : verbs_table()) {
    if (setting.verbs.has(row.verb)) verbs.push_back(row.name);
  }
  return {{"name", setting.name},
          {"flag", plan::flag_names(setting)},
          {"takes", text_for(setting.takes)},
          {"placeholder", setting.placeholder},
          {"variable", setting.variable},
          {"key", setting.key()},
          {"group", setting.group},
          {"help", plan::help_of(setting)},
          {"more", setting.more},
          {"default", setting.standard},
          {"default_in_words", setting.otherwise},
          {"verbs", verbs},
          {"by_project", text_for(setting.by_project)}};
}

Json json_of(const VerbRow& row) {
  return {{"name", row.name}, {"usage", row.usage}, {"summary", row.summary}, {"takes_command", row.takes_command}};
}

Json json_of(const core::Agent& agent) {
  auto state = Json::array();
  for (const auto& directory : agent.state) state.push_back({{"name", directory.name}, {"home_path", directory.home_path}});
  return {{"name", agent.name}, {"title", agent.title},   {"package", agent.package},
          {"state", state},     {"log_in", agent.log_in}, {"keys", agent.keys}};
}

template <typename Row>
Json rows_of(std::span<const Row> rows) {
  auto list = Json::array();
  for (const auto& row : rows) list.push_back(json_of(row));
  return list;
}

}  // namespace

std::string tables_json() {
  return Json{{"settings", rows_of(plan::settings_table())}, {"verbs", rows_of(verbs_table())}, {"agents", rows_of(core::agents())}}.dump(2) + "\n";
}

int print_tables(const core::Invocation&, const core::Settings&, const core::Environment&) {
  std::cout << tables_json();
  return 0;
}

}  // namespace jailed::cli
