// The value of --mount is read back field by field as it was, by the rules of Go's encoding/csv, which docker and podman use.
#include <jailed/plan/jail/mount.hpp>
#include <optional>

#include "fuzz.hpp"

namespace {

using Fields = std::vector<std::string>;

// encoding/csv's Reader with its defaults (no lazy quotes, no comments): the one record of a text, or nothing for an error and for a
// second record.
std::optional<Fields> read_as_go(std::string_view text) {
  Fields fields;
  while (true) {
    std::string field;
    if (!text.starts_with('"')) {
      const auto end = text.find_first_of(",\n");
      field = text.substr(0, end);
      if (field.find('"') != std::string::npos) return std::nullopt;  // ErrBareQuote
      if (end == std::string_view::npos && field.ends_with('\r')) field.pop_back();
      text.remove_prefix(std::min(end, text.size()));
    } else {
      text.remove_prefix(1);
      while (true) {
        const auto quote = text.find('"');
        if (quote == std::string_view::npos) return std::nullopt;  // ErrQuote
        field += text.substr(0, quote);
        text.remove_prefix(quote + 1);
        if (!text.starts_with('"')) break;
        field += '"';
        text.remove_prefix(1);
      }
      // Within quotes a line's end of CR LF is read as LF.
      for (std::size_t at = 0; (at = field.find("\r\n", at)) != std::string::npos;) field.erase(at, 1);
      if (!text.empty() && text.front() != ',' && text.front() != '\n') return std::nullopt;  // ErrQuote
    }
    fields.push_back(std::move(field));
    if (text.empty()) return fields;
    const bool more = text.front() == ',';
    text.remove_prefix(1);
    if (!more) return text.empty() ? std::optional(fields) : std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto paths = jailed::fuzz::split(jailed::fuzz::text_of(data, size), '\0');
  Fields fields;
  for (const auto& path : paths) {
    if (!jailed::plan::unmountable(path).empty()) return 0;  // refused before a launch
    fields.push_back("source=" + path);
  }
  const auto read = read_as_go(jailed::plan::csv_record(fields));
  MUST(read && *read == fields);
  return 0;
}
