#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <jailed/commands/quarantine.hpp>
#include <jailed/commands/session_parts.hpp>
#include <jailed/core/command.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/session.hpp>
#include <jailed/host/scan.hpp>
#include <jailed/host/tree.hpp>
#include <jailed/plan/project.hpp>
#include <optional>

namespace jailed::commands {
namespace {

using plan::Finding;
using plan::HostSnapshot;

constexpr std::size_t kSmall = 1 << 20;

// A directory is closed where it lies, so that no prompt looks at a repository there.
std::string restore_command(const std::string& kept, const std::string& place, mode_t mode, bool put_back) {
  std::string line;
  if (mode != 0) line = fmt::format("chmod {:o} {} && ", mode, core::shell_quote(kept));
  return line + fmt::format("mv {} -- {} {}", put_back ? "-f" : "-i", core::shell_quote(kept),
                            core::shell_quote(place));
}

// What lies in a quarantine is written down before it is moved there.
class Quarantine {
 public:
  Quarantine(const HostSnapshot& before, const std::string& session)
      : before_(before), session_(session), place_(session + "/quarantine") {
    host::make_private_directories(place_);
    list_ = host::Fd(::open((session + "/quarantine.txt").c_str(),
                            O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    number_ = host::list_directory(place_).size();
    if (number_ == 0 && !host::lstat_of(session + "/quarantine-of")) {
      host::write_new_file(session + "/quarantine-of", before.project, 0600);
      note(fmt::format("Moved away from {} after a jail's end; to take something back:",
                       core::printable(before.project)));
      note(fmt::format("(to give up all of it: chmod -R u+rwX {0} && rm -rf {0})",
                       core::shell_quote(session)));
    }
  }

  void take(Finding& finding) {
    std::string to;
    do {
      to = place_ + "/" + plan::quarantine_name(++number_, finding.path);
    } while (host::lstat_of(to));
    const auto from = before_.project + "/" + finding.path;
    const auto info = host::lstat_of(from);
    const auto mode = info && S_ISDIR(info->st_mode) ? (info->st_mode & 07777) | S_IRWXU : 0;
    const auto copy = before_.copies.find(finding.path);
    const bool has_former = copy != before_.copies.end() && finding.change == Finding::Change::changed;
    finding.restore = restore_command(to, from, mode, has_former);
    note(finding.restore);
    if (const auto failed = host::move_below(before_.project, finding.path, to)) {
      finding.problem = *failed;
      return;
    }
    finding.kept_as = to;
    if (mode != 0) ::chmod(to.c_str(), 0);
    if (has_former)
      finding.put_back = host::put_below(session_ + "/" + copy->second, before_.project, finding.path);
  }

 private:
  void note(const std::string& line) {
    const auto text = line + "\n";
    if (!list_ || ::write(list_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      spdlog::warn("Cannot write {}/quarantine.txt: {}.", core::printable(session_), std::strerror(errno));
  }

  const HostSnapshot& before_;
  std::string session_, place_;
  std::size_t number_ = 0;
  host::Fd list_;
};

bool part_holds_quarantine(const std::string& part) { return !host::list_directory(part + "/quarantine").empty(); }

}  // namespace

void move_to_quarantine(std::vector<Finding>& findings, const HostSnapshot& before,
                        const std::string& part) {
  std::optional<Quarantine> place;
  std::vector<std::string> moved;
  std::erase_if(findings, [&](Finding& finding) {
    if (!finding.quarantine) return false;
    const auto path = "/" + finding.path;
    if (std::any_of(moved.begin(), moved.end(),
                    [&](const auto& above) { return plan::is_within(path, above); }))
      return true;  // went along
    if (!place) place.emplace(before, part);
    place->take(finding);
    if (!finding.kept_as.empty()) moved.push_back(path);
    return false;
  });
}

bool holds_quarantine(const std::string& session) {
  const auto parts = session_parts(session);
  return std::any_of(parts.begin(), parts.end(), part_holds_quarantine);
}

std::string quarantine_list_of(const std::string& session, const std::string& project) {
  for (const auto& part : session_parts(session)) {
    if (part_holds_quarantine(part) && host::read_below(part, "quarantine-of", kSmall) == project)
      return part + "/quarantine.txt";
  }
  return {};
}

void release_session(const std::string& session) {
  if (!holds_quarantine(session)) {
    host::remove_session_files(session);
    return;
  }
  for (const auto& part : session_parts(session)) {
    for (const auto& name : host::list_directory(part)) {
      const bool stays = part == session && (name == "kept" || name == "conflicts" || name == "projects");
      if (!stays && !(name.starts_with("quarantine") && part_holds_quarantine(part))) host::remove_tree(part + "/" + name);
    }
    if (part != session) ::rmdir(part.c_str());
  }
  if (!host::lstat_of(session + "/kept")) host::write_new_file(session + "/kept", "", 0600);
}

}  // namespace jailed::commands
