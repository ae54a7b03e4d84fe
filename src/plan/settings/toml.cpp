#include <jailed/plan/settings/toml.hpp>
#include <sstream>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#if __has_include(<toml++/toml.hpp>)
#include <toml++/toml.hpp>
#else
#include <toml++/toml.h>  // 3.3 and before
#endif

namespace jailed::plan {
namespace {

using nlohmann::json;

// Not deeper than the parser goes (TOML_MAX_NESTED_VALUES).
json json_of(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    auto object = json::object();
    for (const auto& [key, value] : *table) object[std::string(key.str())] = json_of(value);
    return object;
  }
  if (const auto* array = node.as_array()) {
    auto list = json::array();
    for (const auto& value : *array) list.push_back(json_of(value));
    return list;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  std::ostringstream time;
  if (const auto* date = node.as_date()) time << date->get();
  if (const auto* of_day = node.as_time()) time << of_day->get();
  if (const auto* both = node.as_date_time()) time << both->get();
  return time.str();
}

}  // namespace

json parse_toml(std::string_view text) {
  const auto parsed = toml::parse(text);
  return parsed ? json_of(parsed.table()) : json(json::value_t::discarded);
}

}  // namespace jailed::plan
