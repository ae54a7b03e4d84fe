#include <algorithm>
#include <array>
#include <cctype>
#include <jailed/core/text.hpp>
#include <jailed/plan/git/config.hpp>

namespace jailed::plan {
namespace {

char lower_char(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool is_name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'; }

class ConfigReader {
 public:
  explicit ConfigReader(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  }

  std::vector<GitSetting> read() {
    while (skip_blank()) {
      if (peek() == '[') {
        if (!read_section()) break;
      } else if (!read_variable()) {
        break;
      }
    }
    return std::move(settings_);
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\n' : text_[at_]; }
  char take() {
    // CR LF counts as LF, as in git.
    if (text_.substr(at_).starts_with("\r\n")) ++at_;
    return at_end() ? '\n' : text_[at_++];
  }

  void skip_line() {
    while (!at_end() && take() != '\n') {
    }
  }

  // To the next section or variable; false at the end.
  bool skip_blank() {
    while (!at_end()) {
      if (std::isspace(static_cast<unsigned char>(peek())) != 0) {
        ++at_;
      } else if (peek() == '#' || peek() == ';') {
        skip_line();
      } else {
        return true;
      }
    }
    return false;
  }

  bool read_section() {
    ++at_;
    section_.clear();
    subsection_.clear();
    while (!at_end()) {
      const char c = take();
      if (c == ']') return split_old_subsection();
      if (c == ' ' || c == '\t') return read_subsection();
      if (!is_name_char(c) && c != '.') return false;
      section_ += lower_char(c);
    }
    return false;
  }

  // The deprecated [section.subsection], whose subsection is in lower case.
  bool split_old_subsection() {
    if (const auto dot = section_.find('.'); dot != std::string::npos) {
      subsection_ = section_.substr(dot + 1);
      section_.resize(dot);
    }
    return true;
  }

  bool read_subsection() {
    while (peek() == ' ' || peek() == '\t') ++at_;
    if (take() != '"') return false;
    // [section.some "thing"] is "some.thing" of the section, as git reads names.
    if (split_old_subsection(); !subsection_.empty()) subsection_ += '.';
    while (!at_end()) {
      char c = take();
      if (c == '\n') return false;
      if (c == '"') return take() == ']';
      if (c == '\\') c = take();
      if (c == '\n') return false;
      subsection_ += c;
    }
    return false;
  }

  bool read_variable() {
    GitSetting setting{section_, subsection_, {}, {}};
    while (!at_end() && is_name_char(peek())) setting.key += lower_char(take());
    if (setting.key.empty() || section_.empty()) return false;
    while (peek() == ' ' || peek() == '\t') ++at_;
    if (at_end() || peek() == '\n' || peek() == '\r') {
      setting.value = "true";  // a key alone
    } else if (take() != '=' || !read_value(setting.value)) {
      return false;
    }
    settings_.push_back(std::move(setting));
    return true;
  }

  bool read_value(std::string& value) {
    bool quoted = false;
    std::size_t keep = 0;  // trailing blanks outside quotes do not count
    while (peek() == ' ' || peek() == '\t') ++at_;
    while (true) {
      char c = take();
      if (c == '\n') {
        value.resize(keep);
        return !quoted;
      }
      if (!quoted && (c == '#' || c == ';')) {
        skip_line();
        value.resize(keep);
        return true;
      }
      if (c == '"') {
        quoted = !quoted;
        keep = value.size();
        continue;
      }
      if (c == '\\') {
        if (at_end()) return false;
        c = take();
        if (c == '\n') continue;
        if (c == 'n') {
          c = '\n';
        } else if (c == 't') {
          c = '\t';
        } else if (c == 'b') {
          c = '\b';
        } else if (c != '\\' && c != '"') {
          return false;
        }
        value += c;
        keep = value.size();
        continue;
      }
      value += c;
      if (quoted || (c != ' ' && c != '\t')) keep = value.size();
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string section_, subsection_;
  std::vector<GitSetting> settings_;
};

std::string quoted_value(std::string_view value) {
  std::string result = "\"";
  for (const char c : value) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

// Keys of a section that are kept; "*" keeps all of them. A value of a key with a leading @ is a URL.
struct InertSection {
  std::string_view section;
  std::vector<std::string_view> keys;
};

// clang-format off
const std::vector<InertSection>& inert_sections() {
  static const std::vector<InertSection> sections = {
      {"core",
       {"repositoryformatversion", "filemode", "ignorecase", "precomposeunicode", "symlinks", "autocrlf",
        "eol", "safecrlf", "checkroundtripencoding", "logallrefupdates", "sparsecheckout",
        "sparsecheckoutcone", "quotepath", "abbrev", "commentchar", "whitespace", "trustctime", "checkstat",
        "splitindex", "untrackedcache", "bigfilethreshold", "compression", "protecthfs", "protectntfs"}},
      {"extensions",
       {"objectformat", "refstorage", "partialclone", "worktreeconfig", "noop", "relativeworktrees"}},
      {"user", {"name", "email", "useconfigonly"}},
      {"author", {"name", "email"}},
      {"committer", {"name", "email"}},
      {"remote",
       {"@url", "@pushurl", "fetch", "push", "tagopt", "prune", "prunetags", "mirror", "promisor",
        "partialclonefilter", "skipdefaultupdate", "skipfetchall"}},
      {"url", {"@insteadof", "@pushinsteadof"}},
      {"branch", {"remote", "merge", "pushremote", "rebase", "description"}},
      {"submodule", {"@url", "active", "branch", "ignore", "path", "fetchrecursesubmodules", "recurse"}},
      {"merge", {"ff", "conflictstyle", "renamelimit", "renames", "directoryrenames", "log", "stat"}},
      {"pull", {"rebase", "ff", "octopus", "twohead"}},
      {"push", {"default", "autosetupremote", "followtags", "recursesubmodules"}},
      {"fetch", {"prune", "prunetags", "recursesubmodules", "parallel", "fsckobjects"}},
      {"rebase", {"autosquash", "autostash", "updaterefs", "stat", "missingcommitscheck"}},
      {"diff",
       {"algorithm", "renames", "renamelimit", "mnemonicprefix", "noprefix", "context", "interhunkcontext",
        "ignoresubmodules", "submodule", "colormoved", "indentheuristic", "relative"}},
      {"status", {"*"}},
      {"log", {"date", "decorate", "follow", "abbrevcommit"}},
      {"color", {"*"}},
      {"column", {"*"}},
      {"i18n", {"*"}},
      {"advice", {"*"}},
      {"gc", {"auto", "autopacklimit", "packrefs", "reflogexpire", "reflogexpireunreachable", "pruneexpire"}},
      {"pack", {"threads", "windowmemory", "depth", "window"}},
      {"index", {"version", "sparse", "threads"}},
      {"rerere", {"enabled", "autoupdate"}},
      {"tag", {"sort"}},
      {"checkout", {"defaultremote", "guess"}},
      {"commit", {"status", "verbose", "cleanup"}},
      {"init", {"defaultbranch"}},
      {"feature", {"*"}},
      {"stash", {"showpatch", "showstat", "showincludeuntracked"}},
      {"lfs", {"@url", "@pushurl", "repositoryformatversion", "fetchinclude", "fetchexclude", "locksverify"}},
  };
  return sections;
}
// clang-format on

}  // namespace

std::vector<GitSetting> parse_git_config(std::string_view text) { return ConfigReader(text).read(); }

std::string format_git_config(const std::vector<GitSetting>& settings) {
  std::string text;
  std::string_view section;
  std::string_view subsection;
  for (const auto& setting : settings) {
    if (text.empty() || setting.section != section || setting.subsection != subsection) {
      section = setting.section;
      subsection = setting.subsection;
      text += '[' + setting.section;
      if (!subsection.empty()) text += ' ' + quoted_value(subsection);
      text += "]\n";
    }
    text += '\t' + setting.key + " = " + quoted_value(setting.value) + '\n';
  }
  return text;
}

std::string without_credentials(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const auto name = core::lower_case(url.substr(0, scheme));
  const auto host = scheme + 3;
  const bool web = name == "http" || name == "https";
  if (web) url = url.substr(0, url.find('?'));
  const auto end = std::min(url.find('/', host), url.size());
  const auto at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  const auto user = url.substr(host, url.substr(host, at - host).find(':'));
  const bool keeps_user = !web && user.size() < at - host;
  std::string result(url.substr(0, host));
  if (keeps_user) {
    result += std::string(user) + '@';
  } else if (!web) {
    result += std::string(url.substr(host, at + 1 - host));
  }
  return result + std::string(url.substr(at + 1));
}

std::vector<GitSetting> inert_settings(const std::vector<GitSetting>& settings) {
  std::vector<GitSetting> kept;
  for (const auto& setting : settings) {
    for (const auto& inert : inert_sections()) {
      if (inert.section != setting.section) continue;
      for (const auto key : inert.keys) {
        const bool url = key.starts_with('@');
        if (key != "*" && key.substr(url ? 1 : 0) != setting.key) continue;
        auto copy = setting;
        if (url) copy.value = without_credentials(copy.value);
        copy.subsection = without_credentials(copy.subsection);
        // "ext::" and its like name a program to run.
        if (!url || copy.value.find("::") == std::string::npos) kept.push_back(std::move(copy));
        break;
      }
    }
  }
  return kept;
}

}  // namespace jailed::plan
