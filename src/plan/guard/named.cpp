#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/text.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <jailed/plan/guard/named.hpp>
#include <jailed/plan/project/project.hpp>
#include <set>

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

}  // namespace

std::vector<HostEntry> named_by_git(const std::string& project, const std::string& git_dir,
                                    const std::vector<GitSetting>& settings,
                                    const std::function<bool(const std::string&)>& exists) {
  std::vector<HostEntry> entries;
  std::set<std::string> seen;
  const auto add = [&](std::string path, const GitSetting& setting) {
    if (path.empty() || path == ".git" || path.starts_with(".git/") || !seen.insert(path).second || !exists(path) ||
        entries.size() >= 2 * kMostNamed)
      return;
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
      for (const auto& word : core::words(value, kBetweenWords)) {
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
