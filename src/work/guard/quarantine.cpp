#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/guard/subtrees.hpp>
#include <jailed/work/guard/quarantine.hpp>
#include <jailed/work/session/parts.hpp>
#include <jailed/work/session/session.hpp>
#include <optional>

namespace jailed::work {
namespace {

using plan::Finding;
using plan::HostSnapshot;

constexpr std::size_t kLongestNote = 1 << 20;
constexpr const char* kRoom = "/quarantine-room";
constexpr std::size_t kRoomForList = 64 << 10;
constexpr std::size_t kRoomForFiles = 512 << 10;  // where the project is on another file system, and so what is moved is copied

// A directory is closed where it lies, so that no prompt looks at a repository there.
std::string restore_command(const std::string& kept, const std::string& place, mode_t mode, bool put_back) {
  std::string line;
  if (mode != 0) line = fmt::format("chmod {:o} {} && ", mode, core::shell_quote(kept));
  return line + fmt::format("mv {} -- {} {}", put_back ? "-f" : "-i", core::shell_quote(kept),
                            core::shell_quote(place));
}

host::Fd open_list(const std::string& part) {
  return host::Fd(::open((part + "/quarantine.txt").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
}

// What lies in a quarantine is written down before it is moved there. Directory and list are there since the launch.
class Quarantine {
 public:
  Quarantine(const HostSnapshot& before, const std::string& session)
      : before_(before), session_(session), place_(session + "/quarantine"), list_(open_list(session)) {
    ::unlink((session + kRoom).c_str());
    ::mkdir(place_.c_str(), 0700);  // of a session from before there was room made for it
    number_ = host::list_directory(place_).size();
  }

  void take(Finding& finding) {
    std::string to;
    do {
      to = place_ + "/" + plan::quarantine_name(++number_, finding.path);
    } while (host::lstat_of(to));
    const auto from = before_.project + "/" + finding.path;
    const auto info = host::stat_below(before_.project, finding.path);
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
    if (mode != 0) host::close_directory(to);
    if (!has_former) return;
    const auto former = session_ + "/" + copy->second;
    finding.put_back = host::put_below(former, before_.project, finding.path);
    if (finding.put_back) return;
    // No room in the project: the copy is the only one.
    const auto kept = to + "-former";
    if (::rename(former.c_str(), kept.c_str()) != 0) return;
    const auto line = fmt::format("mv -i -- {} {}", core::shell_quote(kept), core::shell_quote(from));
    finding.problem = "its former content could not be put back; to do so: " + line;
    note(line);
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

}  // namespace

void make_room_for_quarantine(const std::string& part, const std::string& project) {
  host::make_private_directories(part + "/quarantine");
  host::write_new_file(part + "/quarantine-of", project, 0600);
  host::write_new_file(part + "/quarantine.txt",
                       fmt::format("Moved away from {0} after a jail's end; to take something back:\n"
                                   "(to give up all of it: chmod -R u+rwX {1} && rm -rf {1})\n",
                                   core::printable(project), core::shell_quote(part)),
                       0600);
  const auto list = open_list(part);
  host::write_new_file(part + kRoom, "", 0600);
  const host::Fd room(::open((part + kRoom).c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  int failed = host::allocate(list.get(), kRoomForList, true);
  if (failed == 0) failed = host::allocate(room.get(), kRoomForFiles, false);
  if (failed != 0)
    throw core::Error(fmt::format("There is no room in {}: {}.", core::printable(part), std::strerror(failed)),
                      "free some space there: what a jail plants could not be moved away");
}

void move_to_quarantine(std::vector<Finding>& findings, const HostSnapshot& before, const std::string& part,
                        const QuarantineTalk& talk) {
  std::optional<Quarantine> place;
  plan::Subtrees moved;
  std::erase_if(findings, [&](Finding& finding) {
    if (finding.quarantine && moved.hold(finding.path)) return true;  // went along
    talk.found(finding);
    if (!finding.quarantine) return false;
    if (!place) place.emplace(before, part);
    place->take(finding);
    talk.done(finding);
    if (!finding.kept_as.empty()) moved.add(finding.path);
    return false;
  });
}

bool part_holds_quarantine(const std::string& part) { return !host::list_directory(part + "/quarantine").empty(); }

bool holds_quarantine(const std::string& session) {
  const auto parts = session_parts(session);
  return std::any_of(parts.begin(), parts.end(), part_holds_quarantine);
}

std::string quarantine_list_of(const std::string& session, const std::string& project) {
  for (const auto& part : session_parts(session)) {
    if (part_holds_quarantine(part) && host::read_below(part, "quarantine-of", kLongestNote) == project)
      return part + "/quarantine.txt";
  }
  return {};
}

}  // namespace jailed::work
