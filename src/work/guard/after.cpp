#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/fields.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/work/guard/changes.hpp>
#include <jailed/work/guard/guard.hpp>
#include <jailed/work/guard/quarantine.hpp>
#include <set>

namespace jailed::work {
namespace {

using plan::Finding;
using plan::HostSnapshot;

constexpr std::size_t kSnapshot = 256U << 20;
constexpr int kMostRounds = 100;
constexpr const char* kSnapshotFile = "/host-snapshot";
constexpr const char* kPlanted = "/planted";  // what could not be moved away, each path ended by a NUL

// A project's path had no link when the jail began: whoever can write above it, as a jail around it can, would have another directory looked
// at, and files moved out of that one.
bool is_led_away(const std::string& project) {
  std::string reason;
  const auto real = host::canonical(project, reason);
  return !real.empty() && real != project;
}

// Each is named before it is moved: whatever happens then, it was said.
void move_and_report(std::vector<Finding>& findings, const HostSnapshot& before, const std::string& part,
                     const std::string& id, bool is_one_of_several) {
  const auto say = [](const std::vector<std::string>& lines) {
    for (const auto& line : lines) spdlog::warn("{}", line);
  };
  if (before.report_json) {
    move_to_quarantine(findings, before, part, {.found = [](const auto&) {}, .done = [](const auto&) {}});
    if (!findings.empty()) std::cerr << plan::report_json(id, before.project, findings) << "\n" << std::flush;
    return;
  }
  if (is_one_of_several && !findings.empty()) spdlog::warn("In {}:", core::printable(before.project));
  plan::Report report(findings, part + "/quarantine.txt");
  move_to_quarantine(findings, before, part,
                     {.found = [&](const auto& finding) { say(report.lines_of(finding)); },
                      .done = [&](const auto& finding) { say(report.outcome_of(finding)); }});
  say(report.last_lines());
}

// One look, of what fits into it. `again`: the rest was told by an earlier one.
std::size_t look_once(const HostSnapshot& before, const std::string& part, const std::string& id, bool is_one_of_several, bool again,
                      const std::set<std::string>& planted, std::vector<Finding>& findings) {
  auto changes = find_changes(before, part);
  findings = std::move(changes.findings);
  // Was told already; what else has changed since, the user may have changed.
  std::erase_if(findings, [&](const auto& finding) {
    return (again && !finding.quarantine) ||
           (!planted.empty() && (!finding.quarantine || !planted.contains(finding.path)));
  });
  move_and_report(findings, before, part, id, is_one_of_several);
  if (changes.more_to_tell > 0 && !again) spdlog::warn("  and {} more that are not listed", changes.more_to_tell);
  return changes.more_to_move;
}

// True when all that was to be moved away is away.
bool settle(const HostSnapshot& before, const std::string& part, const std::string& id, bool is_one_of_several,
            bool more_to_come) {
  const auto planted = planted_in(part);
  std::vector<Finding> findings;
  std::size_t more = 0;
  const auto is_away = [](const auto& finding) { return finding.quarantine && !finding.kept_as.empty(); };
  for (int round = 0; round < kMostRounds; ++round) {
    more = look_once(before, part, id, is_one_of_several, round > 0, planted, findings);
    if (more == 0 || std::none_of(findings.begin(), findings.end(), is_away)) break;
  }
  std::string left;
  for (const auto& finding : findings) {
    if (finding.quarantine && finding.kept_as.empty()) core::add_field(left, finding.path);
  }
  if (more > 0) {
    spdlog::error("{} more in {} were not moved away.", more, core::printable(before.project));
    ::unlink((part + kPlanted).c_str());  // then all is looked at again
    return false;
  }
  ::unlink((part + kPlanted).c_str());
  if (left.empty() || more_to_come) return left.empty();
  try {
    host::write_new_file(part + kPlanted, left, 0600);
  } catch (const core::Error& error) {
    // Half a list would hide the other half; without one, all is looked at again.
    ::unlink((part + kPlanted).c_str());
    spdlog::debug("{}", error.what());
  }
  return false;
}

}  // namespace

std::set<std::string> planted_in(const std::string& part, const std::string& project) {
  std::set<std::string> paths;
  if (!host::lstat_of(part + kPlanted) || (!project.empty() && snapshot_project(part) != project)) return paths;
  const auto list = host::read_below(part, kPlanted + 1, kSnapshot).value_or("");
  for (const auto path : core::fields(list)) paths.emplace(path);
  return paths;
}

std::string snapshot_project(const std::string& part) {
  const auto text = host::read_below(part, kSnapshotFile + 1, kSnapshot);
  const auto snapshot = text ? plan::parse_snapshot(*text) : std::nullopt;
  return snapshot ? snapshot->project : std::string{};
}

void forget_planted_in(const std::string& part) {
  for (const auto* name : {kSnapshotFile, kPlanted}) ::unlink((part + name).c_str());
}

bool is_unsettled(const std::string& part) { return host::lstat_of(part + kSnapshotFile).has_value(); }

bool settle_part(const std::string& part, const std::string& id, bool is_one_of_several, bool more_to_come) {
  if (!is_unsettled(part)) return true;
  const auto text = host::read_below(part, kSnapshotFile + 1, kSnapshot);
  const auto before = text ? plan::parse_snapshot(*text) : std::nullopt;
  bool settled = true;
  try {
    if (!before) {
      spdlog::warn("What changed that your tools run by themselves cannot be told: {} makes no sense.",
                   core::printable(part + kSnapshotFile));
    } else if (is_led_away(before->project)) {
      spdlog::error("What this jail left for your tools to run is not looked at: a symbolic link leads to {} now.", core::printable(before->project));
      spdlog::error("  see who put it there, and put the directory back");
      settled = false;
    } else if (!host::lstat_of(before->project)) {
      spdlog::error("What this jail left for your tools to run is not looked at: {} is gone.", core::printable(before->project));
      spdlog::error("  put it back, if it was moved");
      settled = false;
    } else {
      settled = settle(*before, part, id, is_one_of_several, more_to_come);
    }
  } catch (const std::exception& error) {
    spdlog::warn("What changed that your tools run by themselves cannot be told: {}", error.what());
    settled = false;
  }
  if (!settled || more_to_come) return settled;
  forget_planted_in(part);
  return true;
}

}  // namespace jailed::work
