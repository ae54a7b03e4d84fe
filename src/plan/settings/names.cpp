#include <algorithm>
#include <cctype>
#include <jailed/plan/settings/settings.hpp>

namespace jailed::plan {
namespace {

constexpr std::string_view kLowerOrDigit = "abcdefghijklmnopqrstuvwxyz0123456789";

bool is_lower_or_digit(char c) { return kLowerOrDigit.find(c) != std::string_view::npos; }

// One component of a repository's path: lower-case words joined by '.', '_', '__' or dashes.
bool is_path_component(std::string_view part) {
  if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back())) return false;
  while (!part.empty()) {
    part.remove_prefix(std::min(part.find_first_not_of(kLowerOrDigit), part.size()));
    const auto separator = part.substr(0, part.find_first_of(kLowerOrDigit));
    part.remove_prefix(separator.size());
    const bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
  }
  return true;
}

// A registry never begins with a dash: it would be an option to the engine.
bool is_registry_host(std::string_view part) {
  return !part.empty() && part.front() != '-' &&
         part.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
             std::string_view::npos &&
         (part.find_first_of(".:") != std::string_view::npos || part == "localhost");
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 128 && tag.front() != '.' && tag.front() != '-' &&
         std::all_of(tag.begin(), tag.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
         });
}

bool is_digest(std::string_view digest) {
  const auto colon = digest.find(':');
  return colon != std::string_view::npos && colon > 0 && is_lower_or_digit(digest.front()) &&
         digest.substr(0, colon).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+._-") ==
             std::string_view::npos &&
         digest.size() - colon - 1 >= 32 &&
         digest.substr(colon + 1).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

bool is_image_reference(std::string_view text) {
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    if (!is_digest(text.substr(at + 1))) return false;
    text = text.substr(0, at);
  }
  if (const auto colon = text.rfind(':');
      colon != std::string_view::npos && text.find('/', colon) == std::string_view::npos) {
    if (!is_tag(text.substr(colon + 1))) return false;
    text = text.substr(0, colon);
  }
  if (text.size() > 255) return false;
  if (const auto slash = text.find('/');
      slash != std::string_view::npos && is_registry_host(text.substr(0, slash))) {
    text = text.substr(slash + 1);
  }
  while (true) {
    const auto slash = text.find('/');
    if (!is_path_component(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text = text.substr(slash + 1);
  }
}

bool is_user_name(std::string_view text) {
  if (text.empty() || text.size() > 32) return false;
  for (const auto taken : {"root", "nobody", "tty", "nogroup"}) {  // names in the jail's passwd and group
    if (text == taken) return false;
  }
  if (text.front() != '_' && std::islower(static_cast<unsigned char>(text.front())) == 0) return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

bool is_oci_runtime(std::string_view text) {
  if (text.starts_with('/')) text.remove_prefix(1);
  return !text.empty() && text.size() <= 255 && std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' || c == '/';
         });
}

bool on_host_kernel(const std::optional<core::Named>& sandbox) {
  if (!sandbox) return true;
  const std::string_view name = std::string_view(sandbox->value).substr(sandbox->value.rfind('/') + 1);
  return name == "runc" || name == "crun" || name == "youki" || name == "nvidia" || name == "io.containerd.runc.v2";
}

}  // namespace jailed::plan
