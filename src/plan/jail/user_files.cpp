#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/number.hpp>
#include <jailed/core/fields.hpp>
#include <jailed/plan/jail/user_files.hpp>

namespace jailed::plan {
namespace {

constexpr unsigned kDefaultId = 1000;

// In git's lower case. None names a program or a file, and none has a name of the user's choice in it.
constexpr std::string_view kGitSettings[] = {
    "init.defaultbranch", "pull.rebase",       "pull.ff",          "push.default",      "push.autosetupremote", "core.autocrlf",
    "core.eol",           "core.quotepath",    "commit.verbose",   "commit.cleanup",    "merge.conflictstyle",  "merge.ff",
    "rebase.autosquash",  "rebase.autostash",  "rebase.updaterefs", "rebase.missingcommitscheck", "fetch.prune", "diff.algorithm",
    "diff.renames",       "diff.colormoved",   "diff.mnemonicprefix", "rerere.enabled", "branch.sort",          "tag.sort"};

// 0 when there is no number, so that "not known" and "root" are the same: neither is an answer; nor is -1,
// which no process can be.
unsigned id_or_zero(std::string_view text) {
  unsigned value = 0;
  return core::parse_number(text, value) && value != ~0U ? value : 0;
}

unsigned first_not_root(unsigned first, unsigned second) {
  return first != 0 ? first : second != 0 ? second : kDefaultId;
}

// git's own quoting: inside double quotes, backslash and quote are escaped and line breaks are \n.
std::string git_value(std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '\n') {
      quoted += "\\n";
    } else {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

Identity jail_identity(const CallerFacts& caller) {
  if (caller.uid != 0) return {caller.uid, caller.gid != 0 ? caller.gid : caller.uid};
  if (const auto sudo = id_or_zero(caller.sudo_uid); sudo != 0)
    return {sudo, first_not_root(id_or_zero(caller.sudo_gid), sudo)};
  if (caller.project_uid != 0)
    return {caller.project_uid, first_not_root(caller.project_gid, caller.project_uid)};
  return {kDefaultId, kDefaultId};
}

std::string passwd_file(std::string_view user, Identity identity) {
  return fmt::format(
      "root:x:0:0:root:/root:/usr/sbin/nologin\n"
      "{0}:x:{1}:{2}:{0}:/home/{0}:/bin/zsh\n"
      "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
      user, identity.uid, identity.gid);
}

std::string group_file(std::string_view user, Identity identity, const std::vector<gid_t>& more) {
  auto file = fmt::format("root:x:0:\n{0}:x:{1}:\ntty:x:5:\nnogroup:x:65534:\n", user, identity.gid);
  for (const auto group : more) file += fmt::format("host-{0}:x:{0}:{1}\n", group, user);
  return file;
}

std::string git_caller_pattern() {
  std::string names = "user.name|user.email|commit.gpgsign|core.excludesfile";
  for (const auto name : kGitSettings) names += fmt::format("|{}", name);
  std::string pattern;
  for (const char c : names) pattern += c == '.' ? std::string("\\.") : std::string(1, c);
  return "^(" + pattern + ")$";
}

GitCaller git_caller(std::string_view answer) {
  GitCaller caller;
  for (const auto entry : core::fields(answer)) {
    const auto line = entry.find('\n');
    const auto key = entry.substr(0, line);
    // A name alone is git's way to say that it is true.
    const std::string value(line == std::string_view::npos ? "true" : entry.substr(line + 1));
    if (key == "user.name") caller.name = value;
    if (key == "user.email") caller.email = value;
    if (key == "core.excludesfile") caller.ignores = value;
    if (key == "commit.gpgsign") caller.signs = value == "true" || value == "yes" || value == "on" || value == "1";
    if (std::find(std::begin(kGitSettings), std::end(kGitSettings), key) == std::end(kGitSettings)) continue;
    std::erase_if(caller.settings, [&](const auto& setting) { return setting.first == key; });
    caller.settings.emplace_back(key, value);
  }
  return caller;
}

std::string git_ignore_file(const GitCaller& caller, const core::Environment& host) {
  const auto home = host.get("HOME").value_or("");
  if (caller.ignores.starts_with("~/")) return home + caller.ignores.substr(1);
  if (!caller.ignores.empty()) return caller.ignores.starts_with('/') ? caller.ignores : "";
  if (const auto base = host.get("XDG_CONFIG_HOME"); base && !base->empty()) return *base + "/git/ignore";
  return home.empty() ? "" : home + "/.config/git/ignore";
}

std::string git_config_file(const GitCaller& caller) {
  std::string file;
  if (!caller.name.empty()) file += fmt::format("\tname = {}\n", git_value(caller.name));
  if (!caller.email.empty()) file += fmt::format("\temail = {}\n", git_value(caller.email));
  if (!file.empty()) file.insert(0, "[user]\n");
  for (const auto& [key, value] : caller.settings) {
    const auto dot = key.find('.');
    file += fmt::format("[{}]\n\t{} = {}\n", key.substr(0, dot), key.substr(dot + 1), git_value(value));
  }
  return file;
}

}  // namespace jailed::plan
