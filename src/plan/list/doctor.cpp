#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/list/doctor.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

std::string_view state_name(Diagnosis::State state) {
  switch (state) {
    case Diagnosis::State::ok:
      return "ok";
    case Diagnosis::State::warn:
      return "warn";
    case Diagnosis::State::fail:
      return "fail";
  }
  return {};
}

std::string printable_line(std::string_view text) {
  std::string shown;
  for (const auto line : core::lines(text)) shown += (shown.empty() ? "" : " ") + core::printable(line);
  return shown;
}

}  // namespace

bool is_well(const std::vector<Diagnosis>& findings) {
  return std::none_of(findings.begin(), findings.end(), [](const auto& one) { return one.state == Diagnosis::State::fail; });
}

std::string findings_text(const std::vector<Diagnosis>& findings) {
  std::size_t width = 0;
  for (const auto& one : findings) width = std::max(width, one.subject.size());
  std::string text;
  for (const auto& one : findings) {
    text += fmt::format("{:<4}  {:<{}}  {}\n", state_name(one.state), one.subject, width, printable_line(one.says));
    for (const auto line : core::lines(one.fix)) text += fmt::format("{:{}}{}\n", "", width + 10, core::printable(line));
  }
  return text;
}

std::string findings_json(const std::vector<Diagnosis>& findings) {
  using Json = nlohmann::ordered_json;
  auto list = Json::array();
  for (const auto& one : findings)
    list.push_back({{"subject", one.subject}, {"state", state_name(one.state)}, {"says", one.says}, {"fix", one.fix}});
  return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace jailed::plan
