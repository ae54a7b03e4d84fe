#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <jailed/core/command.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <jailed/plan/guard/findings.hpp>
#include <jailed/plan/project/project.hpp>
#include <nlohmann/json.hpp>
#include <utility>

namespace jailed::plan {
namespace {

constexpr std::size_t kMostMounts = 64;

// Snapshots are records of fields, each ended by a NUL: paths may hold everything else.
void put(std::string& text, std::string_view field) {
  text += field;
  text += '\0';
}

template <typename... Fields>
void put_record(std::string& text, const Fields&... fields) {
  (put(text, fields), ...);
}

class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool ok() const { return ok_; }

  std::string_view field() {
    const auto end = rest_.find('\0');
    if (end == std::string_view::npos) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const auto value = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return value;
  }

  template <typename Number>
  Number number() {
    Number value{};
    const auto text = field();
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) ok_ = false;
    return value;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::string digits(auto value) { return std::to_string(value); }

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    if (std::string_view(" \t\n\r;|&()<>`\"'").find(c) == std::string_view::npos) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

// Below the project, without a leading slash; empty: outside, or the project itself.
std::string below(const std::string& project, const std::string& base, std::string_view path) {
  const auto whole = resolve_path(base, path);
  return is_within(whole, project) && whole != project ? whole.substr(project.size() + 1) : std::string{};
}

// A glob that means this path alone, whatever its name holds.
std::string literal_glob(std::string_view path) {
  std::string glob = "/";
  for (const char c : path) glob += std::string_view("*?[").find(c) == std::string_view::npos ? c : '?';
  return glob;
}

HostEntry named_entry(const HostEntry& like, const std::string& path, bool whole_tree) {
  auto entry = like;
  entry.glob = literal_glob(path) + (whole_tree ? "/**" : "");
  return entry;
}

std::size_t depth_of(std::string_view path) {
  return static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

bool is_mounted(const std::vector<BindMount>& binds, const std::string& target) {
  return std::any_of(binds.begin(), binds.end(), [&](const auto& bind) { return bind.target == target; });
}

bool is_read_only(const std::vector<BindMount>& binds, const std::string& target) {
  return std::any_of(binds.begin(), binds.end(),
                     [&](const auto& bind) { return bind.read_only && is_within(target, bind.target); });
}

// A mount there would cover one that is there already.
bool would_cover(const std::vector<BindMount>& binds, const std::string& target) {
  return std::any_of(binds.begin(), binds.end(),
                     [&](const auto& bind) { return is_within(bind.target, target); });
}

std::string column(std::string_view text, std::size_t width) {
  std::string padded(text);
  if (padded.size() < width) padded.resize(width, ' ');
  return padded;
}

std::string_view name_of_change(const Finding& finding) {
  if (finding.change == Finding::Change::unreadable) return "unreadable";
  return finding.change == Finding::Change::added ? "new" : "changed";
}

std::string shown_path(const Finding& finding) {
  const auto path = core::printable(finding.path.empty() ? "." : finding.path);
  return finding.files > 1 ? fmt::format("{} ({} files)", path, finding.files) : path;
}

}  // namespace

std::string format_snapshot(const HostSnapshot& snapshot) {
  std::string text;
  put_record(text, "jailed-snapshot-1", snapshot.project, digits(snapshot.started), digits(snapshot.uptime),
             digits(snapshot.key[0]), digits(snapshot.key[1]), snapshot.report_json ? "json" : "text");
  for (const auto& entry : snapshot.named) {
    put_record(text, "named", entry.glob, entry.tool, entry.when, name_of(entry.trigger),
               name_of(entry.severity), entry.source);
  }
  for (const auto& glob : snapshot.allowed) put_record(text, "allowed", glob);
  for (const auto& [path, state] : snapshot.files) {
    put_record(text, "file", path, digits(state.inode), digits(state.size), digits(state.mtime),
               digits(state.ctime), state.executable ? "1" : "0", digits(state.hash));
  }
  for (const auto& [path, inode] : snapshot.repositories) put_record(text, "repository", path, digits(inode));
  for (const auto& [path, inode] : snapshot.mounted) put_record(text, "mounted", path, digits(inode));
  for (const auto& [path, copy] : snapshot.copies) put_record(text, "copy", path, copy);
  for (const auto& [path, target] : snapshot.leading_out) put_record(text, "link", path, target);
  put(text, "end");
  return text;
}

std::optional<HostSnapshot> parse_snapshot(std::string_view text) {
  FieldReader reader(text);
  if (reader.field() != "jailed-snapshot-1") return std::nullopt;
  HostSnapshot snapshot;
  snapshot.project = reader.field();
  snapshot.started = reader.number<std::int64_t>();
  snapshot.uptime = reader.number<std::int64_t>();
  for (auto& half : snapshot.key) half = reader.number<std::uint64_t>();
  snapshot.report_json = reader.field() == "json";
  while (reader.ok()) {
    const auto kind = reader.field();
    if (kind == "end")
      return reader.at_end() && reader.ok() ? std::optional(std::move(snapshot)) : std::nullopt;
    if (kind == "allowed") {
      snapshot.allowed.emplace_back(reader.field());
      continue;
    }
    const std::string path(reader.field());
    if (kind == "named") {
      // As a line of the table, but for its separators.
      HostEntry entry;
      entry.glob = path;
      entry.tool = reader.field();
      entry.when = reader.field();
      const auto trigger = reader.field();
      const auto severity = reader.field();
      for (const auto value : {Trigger::automatic, Trigger::trust, Trigger::action}) {
        if (name_of(value) == trigger) entry.trigger = value;
      }
      for (const auto value : {Severity::critical, Severity::high, Severity::medium, Severity::low}) {
        if (name_of(value) == severity) entry.severity = value;
      }
      entry.source = reader.field();
      snapshot.named.push_back(std::move(entry));
    } else if (kind == "file") {
      auto& state = snapshot.files[path];
      state.inode = reader.number<std::uint64_t>();
      state.size = reader.number<std::uint64_t>();
      state.mtime = reader.number<std::int64_t>();
      state.ctime = reader.number<std::int64_t>();
      state.executable = reader.field() == "1";
      state.hash = reader.number<std::uint64_t>();
    } else if (kind == "repository") {
      snapshot.repositories[path] = reader.number<std::uint64_t>();
    } else if (kind == "mounted") {
      snapshot.mounted[path] = reader.number<std::uint64_t>();
    } else if (kind == "copy") {
      snapshot.copies[path] = reader.field();
    } else if (kind == "link") {
      snapshot.leading_out[path] = reader.field();
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

bool is_allowed(std::span<const std::string> globs, std::string_view path) {
  return std::any_of(globs.begin(), globs.end(), [&](const auto& glob) {
    for (auto end = path.size();; end = path.rfind('/', end - 1)) {
      if (glob_matches(glob, path.substr(0, end))) return true;
      if (end == 0 || path.rfind('/', end - 1) == std::string_view::npos) return false;
    }
  });
}

std::vector<HostEntry> named_by_git(const std::string& project, const std::string& git_dir,
                                    const std::vector<GitSetting>& settings,
                                    const std::function<bool(const std::string&)>& exists) {
  std::vector<HostEntry> entries;
  const auto add = [&](std::string path, const GitSetting& setting) {
    if (path.empty() || path == ".git" || path.starts_with(".git/") || !exists(path)) return;
    for (const bool whole_tree : {false, true}) {
      auto entry = named_entry(host_shape("(config)"), path, whole_tree);
      entry.when = fmt::format("as {}.{} names it: commit, checkout, status", setting.section, setting.key);
      entries.push_back(std::move(entry));
    }
  };
  for (const auto& setting : settings) {
    const auto& [section, subsection, key, value] = setting;
    if (section == "core" && key == "hookspath") {
      auto path = below(project, project, value);
      // husky: the hooks that git is told of call those of the directory above.
      if (path.ends_with("/_")) path.resize(path.size() - 2);
      add(path, setting);
    } else if ((section == "include" || section == "includeif") && key == "path") {
      add(below(project, git_dir.empty() ? project : git_dir, value), setting);
    } else {
      // Settings that are command lines: git runs them at the top of the work tree.
      const bool program =
          (section == "core" && (key == "fsmonitor" || key == "sshcommand" || key == "editor" ||
                                 key == "pager" || key == "askpass" || key == "gitproxy")) ||
          (section == "filter" && key != "required") || (section == "diff" && key != "algorithm") ||
          (section == "merge" && key == "driver") || section == "alias" || section == "gpg" ||
          section == "credential" || section == "pager" || section == "sequence" || section == "difftool" ||
          section == "mergetool";
      if (!program) continue;
      for (const auto& word : words_of(value)) {
        const auto path = word.starts_with('!') ? word.substr(1) : word;
        if (path.find('/') != std::string::npos) add(below(project, project, path), setting);
      }
    }
  }
  return entries;
}

std::vector<HostEntry> named_by_envrc(const std::string& path, std::string_view text) {
  static constexpr std::string_view readers[] = {
      ".", "source", "source_env", "source_env_if_exists", "dotenv", "dotenv_if_exists"};
  std::vector<HostEntry> entries;
  const auto slash = path.rfind('/');
  const auto base = slash == std::string::npos ? std::string("/") : "/" + path.substr(0, slash);
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto words = words_of(line.substr(0, line.find('#')));
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (std::find(std::begin(readers), std::end(readers), words[i]) == std::end(readers)) continue;
      const bool environment = words[i].starts_with("dotenv");
      const bool silent = i + 1 == words.size();
      if (silent && !environment) continue;
      // "/" stands for the project.
      const auto found = resolve_path(base, silent ? ".env" : words[i + 1]).substr(1);
      if (found.empty() || words[i + (silent ? 0 : 1)].starts_with('/')) continue;
      entries.push_back(named_entry(host_shape("(envrc)"), found, false));
      if (words[i].starts_with("source_env"))
        entries.push_back(named_entry(host_shape("(envrc)"), found + "/.envrc", false));
    }
  }
  return entries;
}

GuardPlan plan_guards(std::vector<Guard> guards, const GuardSources& sources,
                      const std::vector<BindMount>& others) {
  GuardPlan plan;
  std::stable_sort(guards.begin(), guards.end(), [](const Guard& left, const Guard& right) {
    return depth_of(left.path) < depth_of(right.path);
  });
  auto binds = others;
  const auto first = binds.size();
  std::vector<BindMount> pins;
  for (const auto& guard : guards) {
    const auto target = sources.target + "/" + guard.path;
    if (is_read_only(binds, target)) continue;
    if (!unmountable(guard.path).empty() || would_cover(binds, target) ||
        binds.size() + pins.size() - first >= kMostMounts || (guard.directory && !sources.alone)) {
      ++plan.unguarded;
      continue;
    }
    if (guard.directory) {
      binds.push_back({sources.workspace + "/" + guard.path, target, true});
    } else {
      binds.push_back({fmt::format("{}/guard/{}", sources.view, plan.copies.size()), target, true});
      plan.copies.push_back(guard.path);
    }
    if (!sources.alone) continue;
    auto above = guard.path;
    for (std::size_t i = 0; i < guard.pinned && above.rfind('/') != std::string::npos; ++i) {
      above.resize(above.rfind('/'));
      const auto place = sources.target + "/" + above;
      if (!is_mounted(pins, place) && !would_cover(others, place))
        pins.push_back({sources.workspace + "/" + above, place, false});
    }
  }
  plan.binds.assign(binds.begin() + static_cast<std::ptrdiff_t>(first), binds.end());
  plan.binds.insert(plan.binds.end(), pins.begin(), pins.end());
  std::sort(plan.binds.begin(), plan.binds.end(), [](const BindMount& left, const BindMount& right) {
    return std::pair(depth_of(left.target), left.target) < std::pair(depth_of(right.target), right.target);
  });
  return plan;
}

Finding judge(const HostSnapshot& before, const HostEntry& entry, const std::string& path,
              Finding::Change change) {
  Finding finding;
  finding.change = change;
  finding.path = path;
  finding.entry = entry;
  finding.quarantine =
      entry.guarded() && change != Finding::Change::unreadable && !is_allowed(before.allowed, path);
  return finding;
}

bool leads_out(const std::string& project, std::string_view path, std::string_view target) {
  bool names = false;
  for (auto rest = target; !rest.empty();) {
    const auto part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part == ".." && names) return true;
    if (!part.empty() && part != "." && part != "..") names = true;
  }
  const auto slash = path.rfind('/');
  const auto directory =
      slash == std::string_view::npos ? project : project + "/" + std::string(path.substr(0, slash));
  return !is_within(resolve_path(directory, target), project);
}

bool is_program_directory(const std::string& path) {
  static const std::string places[] = {"/bin",       "/sbin",      "/lib",      "/lib64",
                                       "/usr/bin",   "/usr/sbin",  "/usr/lib",  "/opt",
                                       "/nix/store", "/usr/local", "/usr/share"};
  return std::any_of(std::begin(places), std::end(places),
                     [&](const auto& place) { return is_within(path, place); });
}

void sort_findings(std::vector<Finding>& findings) {
  std::sort(findings.begin(), findings.end(), [](const Finding& left, const Finding& right) {
    if (left.quarantine != right.quarantine) return left.quarantine;
    if (graver(left.entry, right.entry)) return true;
    if (graver(right.entry, left.entry)) return false;
    return left.path < right.path;
  });
}

Report::Report(const std::vector<Finding>& findings, std::size_t most) : most_(most) {
  for (const auto& finding : findings)
    width_ = std::max(width_, std::min<std::size_t>(shown_path(finding).size(), 40));
}

std::vector<std::string> Report::lines_of(const Finding& finding) {
  std::vector<std::string> lines;
  if (!std::exchange(begun_, true)) lines.emplace_back("changed files that your tools run by themselves:");
  if (!finding.quarantine && shown_++ >= most_) return lines;
  lines.push_back(fmt::format("  {} {} {}  {}: {}", column(name_of(finding.entry.severity), 8),
                              column(name_of_change(finding), 7), column(shown_path(finding), width_),
                              finding.entry.tool, finding.entry.when));
  return lines;
}

std::vector<std::string> Report::outcome_of(const Finding& finding) {
  if (finding.kept_as.empty())
    return {fmt::format("      could NOT be moved away ({}): look at it before you use the tool",
                        core::printable(finding.problem))};
  std::vector<std::string> lines = {fmt::format("      moved away{}; to take it: {}",
                                                finding.put_back ? ", its former content is back" : "", finding.restore)};
  if (!finding.problem.empty()) lines.push_back("      " + finding.problem);
  return lines;
}

std::optional<std::string> Report::last_line() const {
  if (shown_ <= most_) return std::nullopt;
  return fmt::format("  and {} more; all of them: --report json", shown_ - most_);
}

std::string report_json(const std::string& session, const std::string& project,
                        const std::vector<Finding>& findings) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& finding : findings) {
    nlohmann::ordered_json item;
    item["path"] = finding.path.empty() ? "." : finding.path;
    item["change"] = name_of_change(finding);
    item["tool"] = finding.entry.tool;
    item["when"] = finding.entry.when;
    item["trigger"] = name_of(finding.entry.trigger);
    item["severity"] = name_of(finding.entry.severity);
    if (finding.files > 1) item["files"] = finding.files;
    item["quarantined"] = !finding.kept_as.empty();
    if (!finding.kept_as.empty()) {
      item["kept_as"] = finding.kept_as;
      item["restore"] = finding.restore;
      item["put_back"] = finding.put_back;
    }
    if (!finding.problem.empty()) item["problem"] = finding.problem;
    list.push_back(std::move(item));
  }
  nlohmann::ordered_json report;
  report["session"] = session;
  report["project"] = project;
  report["changed"] = std::move(list);
  // ASCII only, and bytes that are no UTF-8 replaced: the command in "restore" has them exactly.
  return report.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

std::string quarantine_name(std::size_t number, std::string_view path) {
  auto name = std::string(path.substr(path.rfind('/') + 1));
  for (auto& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    if (!plain) c = '_';
  }
  name.erase(0, name.find_first_not_of('.'));
  return fmt::format("{}-{}", number, name.substr(0, 80));
}

}  // namespace jailed::plan
