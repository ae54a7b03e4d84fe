#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/text.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <jailed/plan/guard/named.hpp>
#include <jailed/plan/project/project.hpp>
#include <set>
#include <utility>

namespace jailed::plan {
namespace {

// What ends a word for a shell.
constexpr std::string_view kBetweenWords = " \t\n\r;|&()<>`\"'";

// Below the project, without a leading slash; empty: outside, or the project itself.
std::string below(const std::string& project, const std::string& base, std::string_view path) {
  const auto whole = resolve_path(base, path);
  return is_within(whole, project) && whole != project ? whole.substr(project.size() + 1) : std::string{};
}

HostEntry named_entry(const HostEntry& like, const std::string& path, bool whole_tree) {
  auto entry = like;
  entry.glob = literal_glob(path) + (whole_tree ? "/**" : "");
  return entry;
}

// Settings that are command lines: git, or what comes with it, runs them at the top of the work tree.
bool is_command_line(const GitSetting& setting) {
  static const std::set<std::string_view> sections = {"alias",    "gpg",     "credential", "pager",     "sequence", "difftool", "mergetool", "hook",
                                                      "trailer",  "browser", "man",        "sendemail", "imap",     "guitool",  "instaweb"};
  static const std::set<std::pair<std::string_view, std::string_view>> keys = {
      {"core", "fsmonitor"},        {"core", "sshcommand"},        {"core", "editor"},       {"core", "pager"},
      {"core", "askpass"},          {"core", "gitproxy"},          {"core", "alternaterefscommand"}, {"merge", "driver"},
      {"remote", "uploadpack"},     {"remote", "receivepack"},     {"submodule", "update"},  {"interactive", "difffilter"},
      {"tar", "command"},           {"uploadpack", "packobjectshook"}, {"lfs", "path"},      {"lfs", "args"},
      {"lfs", "clean"},             {"lfs", "smudge"}};
  const auto& [section, subsection, key, value] = setting;
  return sections.contains(section) || keys.contains({section, key}) || (section == "filter" && key != "required") ||
         (section == "diff" && key != "algorithm");
}

bool runs_unasked(const GitSetting& setting) {
  static const std::set<std::string_view> when_told = {"alias", "difftool", "mergetool", "browser", "man", "sendemail", "imap", "guitool", "instaweb", "tar"};
  return !when_told.contains(setting.section);
}

}  // namespace

std::vector<HostEntry> named_by_git(const SettingsOf& whose, const std::vector<GitSetting>& settings,
                                    const std::function<bool(const std::string&)>& exists) {
  const auto& [project, work_tree, git_dir] = whose;
  std::vector<HostEntry> entries;
  std::set<std::string> seen;
  const auto add = [&](const std::string& path, const GitSetting& setting, bool everywhere = false) {
    if (path.empty() || path == ".git" || path.starts_with(".git/") || !seen.insert(path).second || entries.size() >= 2 * kMostNamed) return;
    for (const bool whole_tree : {false, true}) {
      auto entry = named_entry(host_shape("(config)"), path, whole_tree);
      // Without a slash in front it is one in any directory.
      if (everywhere) entry.glob.erase(0, 1);
      entry.when = fmt::format("as {}.{} names it: commit, checkout, status", setting.section, setting.key);
      entries.push_back(std::move(entry));
    }
  };
  for (const auto& setting : settings) {
    const auto& [section, subsection, key, value] = setting;
    const bool relative = !value.starts_with('/');
    if ((section == "core" && key == "hookspath") || (section == "init" && key == "templatedir")) {
      auto path = below(project, work_tree, value);
      // husky: the hooks that git is told of call those of the directory above.
      if (path.ends_with("/_")) path.resize(path.size() - 2);
      add(path, setting, git_dir.empty() && relative);
    } else if ((section == "include" || section == "includeif") && key == "path") {
      // One of the user's own is relative to where that stands.
      if (!git_dir.empty() || !relative) add(below(project, git_dir, value), setting);
    } else if (is_command_line(setting)) {
      for (const auto& word : core::words(value, kBetweenWords)) {
        const auto path = word.starts_with('!') ? word.substr(1) : word;
        const auto named = path.find('/') == std::string::npos ? std::string{} : below(project, work_tree, path);
        if (runs_unasked(setting) || (!named.empty() && !seen.contains(named) && exists(named))) add(named, setting);
      }
    }
  }
  return entries;
}

std::vector<HostEntry> named_by_envrc(const std::string& path, std::string_view text) {
  static constexpr std::string_view readers[] = {
      ".", "source", "source_env", "source_env_if_exists", "dotenv", "dotenv_if_exists"};
  std::vector<HostEntry> entries;
  std::set<std::string> seen;
  const auto add = [&](const std::string& named) {
    if (entries.size() <= kMostNamed && seen.insert(named).second) entries.push_back(named_entry(host_shape("(envrc)"), named, false));
  };
  const auto slash = path.rfind('/');
  const auto base = slash == std::string::npos ? std::string("/") : "/" + path.substr(0, slash);
  for (const auto line : core::lines(text)) {
    const auto words = core::words(line.substr(0, line.find('#')), kBetweenWords);
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (std::find(std::begin(readers), std::end(readers), words[i]) == std::end(readers)) continue;
      const bool environment = words[i].starts_with("dotenv");
      const bool silent = i + 1 == words.size();
      if (silent && !environment) continue;
      // "/" stands for the project.
      const auto found = resolve_path(base, silent ? ".env" : words[i + 1]).substr(1);
      if (found.empty() || words[i + (silent ? 0 : 1)].starts_with('/')) continue;
      add(found);
      if (words[i].starts_with("source_env")) add(found + "/.envrc");
    }
  }
  return entries;
}

}  // namespace jailed::plan
