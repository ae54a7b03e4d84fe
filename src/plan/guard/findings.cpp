#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/git/shadow.hpp>
#include <jailed/plan/guard/findings.hpp>
#include <jailed/plan/guard/snapshot.hpp>
#include <jailed/plan/project/project.hpp>
#include <nlohmann/json.hpp>
#include <utility>

namespace jailed::plan {
namespace {

std::string_view name_of_change(const Finding& finding) {
  if (finding.change == Finding::Change::unreadable) return "unreadable";
  return finding.change == Finding::Change::added ? "new" : "changed";
}

std::string shown_path(const Finding& finding) {
  const auto path = core::printable(finding.path.empty() ? "." : finding.path);
  return finding.files > 1 ? fmt::format("{} ({} files)", path, finding.files) : path;
}

}  // namespace

bool is_allowed(std::span<const std::string> globs, std::string_view path) {
  return std::any_of(globs.begin(), globs.end(), [&](const auto& glob) {
    for (auto end = path.size();; end = path.rfind('/', end - 1)) {
      if (glob_matches(glob, path.substr(0, end))) return true;
      if (end == 0 || path.rfind('/', end - 1) == std::string_view::npos) return false;
    }
  });
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
  for (const auto part : core::parts(target, '/')) {
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

Report::Report(const std::vector<Finding>& findings, std::string list) : list_(std::move(list)) {
  for (const auto& finding : findings)
    width_ = std::max(width_, std::min<std::size_t>(shown_path(finding).size(), 40));
}

std::string Report::line_of(const Finding& finding) const {
  return fmt::format("  {:<8} {:<7} {:<{}}  {}: {}", name_of(finding.entry.severity), name_of_change(finding), shown_path(finding), width_,
                     finding.entry.tool, finding.entry.when);
}

std::vector<std::string> Report::lines_of(const Finding& finding) {
  std::vector<std::string> lines;
  if (!std::exchange(begun_, true)) lines.emplace_back("changed files that your tools run by themselves:");
  if (finding.quarantine ? moved_++ < kMostMoved : told_++ < kMostTold) lines.push_back(line_of(finding));
  return lines;
}

std::vector<std::string> Report::outcome_of(const Finding& finding) {
  std::vector<std::string> lines;
  const bool unnamed = moved_ > kMostMoved;
  if (unnamed && !finding.kept_as.empty() && finding.problem.empty()) {
    ++moved_unnamed_;
    return lines;
  }
  if (unnamed) lines.push_back(line_of(finding));
  if (finding.kept_as.empty()) {
    lines.push_back(
        fmt::format("      could NOT be moved away ({}): look at it before you use the tool", core::printable(finding.problem)));
    return lines;
  }
  lines.push_back(
      fmt::format("      moved away{}; to take it: {}", finding.put_back ? ", its former content is back" : "", finding.restore));
  if (!finding.problem.empty()) lines.push_back("      " + finding.problem);
  return lines;
}

std::vector<std::string> Report::last_lines() const {
  std::vector<std::string> lines;
  if (moved_unnamed_ > 0) lines.push_back(fmt::format("  and {} more moved away: see {}", moved_unnamed_, core::shell_quote(list_)));
  if (told_ > kMostTold) lines.push_back(fmt::format("  and {} more; all of them: --report json", told_ - kMostTold));
  return lines;
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
