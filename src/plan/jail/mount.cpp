#include <jailed/core/utf8.hpp>
#include <jailed/plan/jail/mount.hpp>

namespace jailed::plan {

std::string csv_record(const std::vector<std::string>& fields) {
  std::string record;
  for (const auto& field : fields) {
    if (!record.empty()) record += ',';
    if (field.find_first_of(",\"\r\n") == std::string::npos) {
      record += field;
      continue;
    }
    record += '"';
    for (const char c : field) record += c == '"' ? std::string("\"\"") : std::string(1, c);
    record += '"';
  }
  return record;
}

std::string unmountable(const std::string& path) {
  if (!core::is_utf8(path)) return "a byte that is not UTF-8";
  if (path.find('\r') != std::string::npos) return "a carriage return";
  return {};
}

}  // namespace jailed::plan
