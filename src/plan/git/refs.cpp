#include <algorithm>
#include <jailed/core/text.hpp>
#include <jailed/plan/git/refs.hpp>

namespace jailed::plan {
namespace {

constexpr std::string_view kSymbolic = "ref: ";

bool is_value(std::string_view text) {
  return is_object_id(text) || (text.starts_with(kSymbolic) && text.size() > kSymbolic.size());
}

}  // namespace

bool is_object_id(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<std::string> parse_loose_ref(std::string_view content) {
  auto line = core::take_part(content, '\n');
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r'))
    line.remove_suffix(1);
  if (line.starts_with("ref:")) {
    line.remove_prefix(4);
    while (line.starts_with(' ') || line.starts_with('\t')) line.remove_prefix(1);
    return std::string(kSymbolic) + std::string(line);
  }
  if (!is_object_id(line)) return std::nullopt;
  return std::string(line);
}

void add_packed_refs(std::string_view content, GitRefs& refs) {
  for (const auto line : core::lines(content)) {
    if (line.starts_with('#') || line.starts_with('^')) continue;
    const auto space = line.find(' ');
    if (space == std::string_view::npos || !is_object_id(line.substr(0, space))) continue;
    refs.emplace(line.substr(space + 1), line.substr(0, space));
  }
}

std::string packed_refs_file(const GitRefs& refs) {
  std::string file = "# pack-refs with: sorted \n";
  for (const auto& [name, value] : refs) {
    if (name.starts_with("refs/") && is_object_id(value)) file += value + ' ' + name + '\n';
  }
  return file;
}

std::string format_refs(const GitRefs& refs) {
  std::string text;
  for (const auto& [name, value] : refs) {
    if (name.find('\n') == std::string::npos && is_value(value)) text += name + '\t' + value + '\n';
  }
  return text;
}

GitRefs parse_refs(std::string_view text) {
  GitRefs refs;
  for (const auto line : core::lines(text)) {
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos || tab == 0 || !is_value(line.substr(tab + 1))) continue;
    refs.emplace(line.substr(0, tab), line.substr(tab + 1));
  }
  return refs;
}

bool is_plain_ref_name(std::string_view name) {
  if (!name.starts_with("refs/") || name.size() > 240 || name.ends_with(".lock")) return false;
  std::size_t at = 0;
  while (at <= name.size()) {
    const auto part = name.substr(at, std::min(name.find('/', at), name.size()) - at);
    if (part.empty() || part.front() == '.' || part.front() == '-' || part.back() == '.' ||
        part.ends_with(".lock") || part.find("..") != std::string_view::npos || part == "HEAD") {
      return false;
    }
    at += part.size() + 1;
  }
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-") ==
         std::string_view::npos;
}

bool is_work(std::string_view name) {
  return name.starts_with("refs/heads/") || name.starts_with("refs/tags/") ||
         name.starts_with("refs/notes/") || name == "refs/stash";
}

GitRefs changed_work(const GitRefs& before, const GitRefs& now) {
  GitRefs changed;
  for (const auto& [name, value] : now) {
    if (!is_work(name)) continue;
    const auto former = before.find(name);
    if (former == before.end() || former->second != value) changed.emplace(name, value);
  }
  return changed;
}

}  // namespace jailed::plan
