#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/guard/table.hpp>
#include <optional>

namespace jailed::plan {

// Generated from data/host-execution.txt.
extern const std::string_view kHostTableText;

namespace {

// [abc] at the beginning of `pattern`: its characters; nothing when it is not closed.
std::optional<std::string_view> class_at(std::string_view pattern) {
  const auto end = pattern.find(']', 1);
  if (!pattern.starts_with('[') || end == std::string_view::npos) return std::nullopt;
  return pattern.substr(1, end - 1);
}

// How much of the pattern stands for this character; 0: it does not fit.
std::size_t fits(std::string_view pattern, char c) {
  if (pattern.empty()) return 0;
  if (const auto chars = class_at(pattern)) return chars->find(c) == std::string_view::npos ? 0 : chars->size() + 2;
  return pattern.front() == '?' || pattern.front() == c ? 1 : 0;
}

// Only the last * is tried again, which is enough: so it takes no more than the one length times the other.
bool name_matches(std::string_view pattern, std::string_view name) {
  std::size_t at = 0, next = 0, taken = 0;
  std::optional<std::size_t> star;
  while (next < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      taken = next;
    } else if (const auto length = fits(pattern.substr(at), name[next]); length != 0) {
      at += length;
      ++next;
    } else if (star) {
      at = *star + 1;
      next = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

using Parts = std::span<const std::string_view>;

bool parts_match(Parts globs, Parts names) {
  if (globs.empty()) return names.empty();
  if (globs.front().starts_with("**")) {
    if (globs.size() == 1) return !names.empty();  // at the end: something below
    for (std::size_t i = 0; i <= names.size(); ++i) {
      if (parts_match(globs.subspan(1), names.subspan(i))) return true;
    }
    return false;
  }
  return !names.empty() && name_matches(globs.front(), names.front()) &&
         parts_match(globs.subspan(1), names.subspan(1));
}

// `X` of `X/**`; nothing for other globs.
std::optional<std::string_view> tree_of(std::string_view glob) {
  for (const std::string_view end : {"/**", "/***"}) {
    if (glob.ends_with(end)) return glob.substr(0, glob.size() - end.size());
  }
  return std::nullopt;
}

std::string_view last_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

template <typename Value>
std::optional<Value> named(std::string_view name, std::initializer_list<Value> values) {
  for (const auto value : values) {
    if (name_of(value) == name) return value;
  }
  return std::nullopt;
}

HostEntry parse_line(std::string_view line, std::size_t number) {
  const auto wrong = [&](std::string_view what) {
    return core::Error(fmt::format("Line {} of the table of what the host runs: {}.", number, what));
  };
  std::vector<std::string> fields;
  constexpr std::string_view separator = " | ";
  for (std::string_view rest = line;;) {
    const auto end = rest.find(separator);
    fields.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + separator.size());
  }
  if (fields.size() != 6) throw wrong("not six columns");
  if (std::any_of(fields.begin(), fields.end(), [](const auto& field) { return field.empty(); }))
    throw wrong("an empty column");
  const auto trigger = named(fields[3], {Trigger::automatic, Trigger::trust, Trigger::action});
  const auto severity =
      named(fields[4], {Severity::critical, Severity::high, Severity::medium, Severity::low});
  if (!trigger) throw wrong("an unknown trigger");
  if (!severity) throw wrong("an unknown severity");
  return {std::move(fields[0]), std::move(fields[1]), std::move(fields[2]), *trigger, *severity,
          std::move(fields[5])};
}

}  // namespace

std::string_view name_of(Trigger trigger) {
  switch (trigger) {
    case Trigger::automatic:
      return "automatic";
    case Trigger::trust:
      return "trust";
    case Trigger::action:
      return "action";
  }
  return {};
}

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::critical:
      return "critical";
    case Severity::high:
      return "high";
    case Severity::medium:
      return "medium";
    case Severity::low:
      return "low";
  }
  return {};
}

std::vector<HostEntry> parse_host_table(std::string_view text) {
  std::vector<HostEntry> entries;
  std::size_t number = 0;
  for (const auto line : core::lines(text)) {
    ++number;
    if (!line.empty() && !line.starts_with('#')) entries.push_back(parse_line(line, number));
  }
  return entries;
}

const std::vector<HostEntry>& host_table() {
  static const auto entries = parse_host_table(kHostTableText);
  return entries;
}

const HostEntry& host_shape(std::string_view glob) {
  for (const auto& entry : host_table()) {
    if (entry.glob == glob) return entry;
  }
  throw core::Error(fmt::format("The table of what the host runs has no entry {}.", glob));
}

std::string literal_glob(std::string_view path) {
  std::string glob = "/";
  for (const char c : path) {
    const bool special = std::string_view("*?[").find(c) != std::string_view::npos;
    glob += special ? std::string{'[', c, ']'} : std::string(1, c);
  }
  return glob;
}

std::string path_of_literal(std::string_view glob) {
  std::string path;
  glob.remove_prefix(std::min<std::size_t>(glob.size(), 1));
  while (!glob.empty()) {
    const auto chars = class_at(glob);
    path += chars ? *chars : glob.substr(0, 1);
    glob.remove_prefix(chars ? chars->size() + 2 : 1);
  }
  return path;
}

bool glob_matches(std::string_view glob, std::string_view path) {
  const bool anchored = glob.starts_with('/');
  const auto globs = core::words(glob, "/");
  const auto names = core::words(path, "/");
  if (globs.empty()) return false;
  if (anchored) return parts_match(globs, names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (parts_match(globs, Parts(names).subspan(i))) return true;
  }
  return false;
}

void HostIndex::Names::add(std::string_view pattern, std::uint32_t entry) {
  if (pattern.find_first_of("*?[") == std::string_view::npos) {
    exact[pattern].push_back(entry);
  } else if (const auto chars = class_at(pattern)) {
    for (const char c : *chars) by_first[static_cast<unsigned char>(c)].push_back({pattern, entry});
  } else if (pattern.starts_with("*.") && pattern.find_first_of("*?[.", 2) == std::string_view::npos) {
    by_extension[pattern.substr(2)].push_back(entry);
  } else if (pattern.front() != '*' && pattern.front() != '?') {
    by_first[static_cast<unsigned char>(pattern.front())].push_back({pattern, entry});
  } else {
    for (auto& entries : by_first) entries.push_back({pattern, entry});
  }
}

bool HostIndex::Names::may_be(std::string_view name) const {
  if (name.empty()) return false;
  for (const auto& wild : by_first[static_cast<unsigned char>(name.front())]) {
    if (name_matches(wild.pattern, name)) return true;
  }
  if (exact.contains(name)) return true;
  const auto dot = name.rfind('.');
  return dot != std::string_view::npos && by_extension.contains(name.substr(dot + 1));
}

std::vector<std::uint32_t> HostIndex::Names::candidates(std::string_view name) const {
  std::vector<std::uint32_t> found;
  const auto add_all = [&](const auto& map, std::string_view key) {
    if (const auto some = map.find(key); some != map.end())
      found.insert(found.end(), some->second.begin(), some->second.end());
  };
  add_all(exact, name);
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos)
    add_all(by_extension, name.substr(dot + 1));
  if (name.empty()) return found;
  for (const auto& wild : by_first[static_cast<unsigned char>(name.front())]) {
    if (name_matches(wild.pattern, name)) found.push_back(wild.entry);
  }
  return found;
}

HostIndex::HostIndex(std::span<const HostEntry> entries) : entries_(entries) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string_view glob = entries[i].glob;
    if (glob.starts_with('(')) continue;
    const auto tree = tree_of(glob);
    (tree ? trees_ : files_).add(last_of(tree.value_or(glob)), static_cast<std::uint32_t>(i));
  }
}

const HostEntry* HostIndex::gravest(const Names& names, std::string_view path) const {
  const HostEntry* best = nullptr;
  for (const auto i : names.candidates(last_of(path))) {
    const auto& entry = entries_[i];
    if (best != nullptr && !graver(entry, *best)) continue;
    if (glob_matches(tree_of(entry.glob).value_or(entry.glob), path)) best = &entry;
  }
  return best;
}

bool graver(const HostEntry& left, const HostEntry& right) {
  if (left.guarded() != right.guarded()) return left.guarded();
  if (left.severity != right.severity) return left.severity < right.severity;
  return left.trigger < right.trigger;
}

bool is_bulk(const HostEntry& entry) { return entry.glob.ends_with("/***"); }

}  // namespace jailed::plan
