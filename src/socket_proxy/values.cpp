#include <algorithm>
#include <jailed/socket_proxy/names.hpp>
#include <jailed/socket_proxy/values.hpp>
#include <string>

namespace jailed::socket_proxy::value {
namespace {

using nlohmann::json;
using std::string_view;

constexpr std::int64_t kLargest = std::int64_t{1} << 50;

// "NAME" and "NAME*" would make podman take the value from the environment of its service, which is the
// user's.
bool assignment(const json& value) {
  if (!text(value)) return false;
  const auto& entry = value.get_ref<const std::string&>();
  const auto equals = entry.find('=');
  return equals != std::string::npos && equals > 0 &&
         consists_of(string_view(entry).substr(0, equals), "_.-");
}

}  // namespace

bool is_one_of(const json& value, std::initializer_list<string_view> words) {
  return value.is_string() &&
         std::find(words.begin(), words.end(), value.get_ref<const std::string&>()) != words.end();
}

bool flag(const json& value) { return value.is_boolean(); }
bool off(const json& value) { return value == json(false); }
bool text(const json& value) {
  return value.is_string() && value.get_ref<const std::string&>().find('\0') == std::string::npos;
}
bool number(const json& value) {
  return value.is_number_integer() && value >= json(-1) && value <= json(kLargest);
}
bool positive(const json& value) { return number(value) && value >= json(0); }

bool empty(const json& value) {
  return value == json(false) || value == json(0) || value == json("") ||
         ((value.is_array() || value.is_object()) && value.empty());
}
bool absent(const json&) { return false; }

bool texts(const json& value) { return list_of<text>(value); }
bool cmd_words(const json& value) { return text(value) || texts(value); }

bool word(const json& value) {
  return text(value) && consists_of(value.get_ref<const std::string&>(), "_.-");
}
bool words(const json& value) { return list_of<word>(value); }

bool digits(const json& value) {
  return text(value) && !value.get_ref<const std::string&>().empty() &&
         value.get_ref<const std::string&>().find_first_not_of("0123456789") == std::string::npos;
}
bool sizes(const json& value) { return list_of<positive>(value); }

bool environment(const json& value) { return list_of<assignment>(value); }
bool default_isolation(const json& value) { return is_one_of(value, {"", "default"}); }
bool local_driver(const json& value) { return is_one_of(value, {"", "local"}); }

bool any_object(const json& value) { return value.is_object(); }
bool any_list(const json& value) { return value.is_array(); }

}  // namespace jailed::socket_proxy::value
