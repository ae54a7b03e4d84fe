#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <jailed/core/number.hpp>
#include <jailed/core/text.hpp>
#include <jailed/socket_proxy/target.hpp>

namespace jailed::socket_proxy {
namespace {

constexpr int kOldestMinorVersion = 24;
constexpr std::size_t kLongest = std::size_t{128} * 1024;  // dockerode repeats whole bodies in the query

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
        return std::nullopt;
      c = static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) return std::nullopt;
    decoded += c;
  }
  return decoded;
}

std::string encode(std::string_view text, std::string_view also_plain) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte < 0x80 && std::isalnum(byte) != 0) || c == '-' || c == '_' || c == '.' ||
                       c == '~' || also_plain.find(c) != std::string_view::npos;
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return encoded;
}

bool is_safe_segment(std::string_view segment) {
  if (segment.empty() || segment == "." || segment == "..") return false;
  return std::all_of(segment.begin(), segment.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7F && c != '%' && c != '?' && c != '#' && c != '\\' && c != ';';
  });
}

// "v1.41": 41; -1 for what is no version.
int minor_version(std::string_view segment) {
  if (!segment.starts_with("v1.") || segment.size() > 6) return -1;
  int minor = -1;
  return core::parse_number(segment.substr(3), minor) ? minor : -1;
}

bool parse_query(std::string_view text, Target& target) {
  for (const auto pair : core::parts(text, '&')) {
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto key = decode(pair.substr(0, equals), true);
    const auto value =
        equals == std::string_view::npos ? std::string{} : decode(pair.substr(equals + 1), true);
    if (!key || !value) return false;
    if (!target.query.emplace(*key, *value).second) target.repeated.insert(*key);
  }
  for (const auto& key : target.repeated) target.query.erase(key);
  return true;
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  if (!text.starts_with('/') || text.size() > kLongest || text.find('#') != std::string_view::npos)
    return std::nullopt;
  Target target;
  const auto question = text.find('?');
  auto path = text.substr(1, question == std::string_view::npos ? question : question - 1);
  while (true) {
    const auto slash = path.find('/');
    const auto segment = decode(path.substr(0, slash), false);
    if (!segment || !is_safe_segment(*segment)) return std::nullopt;
    target.segments.push_back(*segment);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  if (const auto minor = minor_version(target.segments.front()); minor >= 0) {
    if (minor < kOldestMinorVersion || target.segments.size() < 2) return std::nullopt;
    target.version = target.segments.front();
    target.segments.erase(target.segments.begin());
  }
  if (question != std::string_view::npos && !parse_query(text.substr(question + 1), target))
    return std::nullopt;
  return target;
}

std::string format_target(const Target& target) {
  std::string text;
  if (!target.version.empty()) text.append("/").append(target.version);
  for (const auto& segment : target.segments) text.append("/").append(encode(segment, "/:@"));
  char separator = '?';
  for (const auto& [key, value] : target.query) {
    text += fmt::format("{}{}={}", separator, encode(key, ""), encode(value, ""));
    separator = '&';
  }
  return text;
}

}  // namespace jailed::socket_proxy
