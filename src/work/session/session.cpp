#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/work/session/session.hpp>
#include <thread>

namespace jailed::work {
namespace {

constexpr const char* kConflicts = "conflicts";
constexpr const char* kDetached = "detached";
constexpr std::size_t kIdBytes = 6;
constexpr auto kDeathWatchPatience = std::chrono::seconds(5);

// Nothing for a session that somebody owns. One that a death watch still tidies up is waited for: taken for a living one, its
// work would not be home when the next jail begins.
host::Fd lock_left_behind(const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + kDeathWatchPatience;
  for (;;) {
    if (auto lock = host::try_lock_directory(path)) return lock;
    if (!host::try_share_directory(path) || std::chrono::steady_clock::now() > deadline) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

// The directory goes last, and only when it is empty.
void remove_session_files(const std::string& path) {
  for (const auto& name : host::list_directory(path)) {
    if (name != kConflicts) host::remove_tree(path + "/" + name);
  }
  ::rmdir(path.c_str());
}

std::string new_session_id() { return host::random_hex(kIdBytes); }

bool is_session_id(std::string_view name) {
  return name.size() == 2 * kIdBytes && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::vector<std::string> session_ids(const std::string& sessions_directory) {
  auto ids = host::list_directory(sessions_directory);
  std::erase_if(ids, [&](const auto& name) {
    if (!is_session_id(name)) return true;
    const auto info = host::lstat_of(sessions_directory + "/" + name);
    return !info || !S_ISDIR(info->st_mode);
  });
  return ids;
}

Session::Session(const std::string& sessions_directory) {
  // A sweep may take a new directory for an abandoned one before it is locked: then try another name.
  for (int attempt = 0; attempt < 100; ++attempt) {
    id_ = new_session_id();
    path_ = sessions_directory + "/" + id_;
    if (::mkdir(path_.c_str(), 0700) != 0) break;
    lock_ = host::try_lock_directory(path_);
    if (lock_ && host::lstat_of(path_)) return;
  }
  throw core::Error(
      fmt::format("Cannot make the session directory {}: {}.", core::printable(path_), std::strerror(errno)),
      errno == ENOSPC ? "free some space there, then try again" : "");
}

Session::~Session() {
  if (done_) remove_session_files(path_);
}

void Session::detach() { host::write_new_file(path_ + "/" + kDetached, "", 0600); }

std::vector<std::string> abandoned_sessions(const std::string& sessions_directory) {
  std::vector<std::string> ids;
  for (const auto& name : session_ids(sessions_directory)) {
    const auto path = sessions_directory + "/" + name;
    if (host::list_directory(path) == std::vector<std::string>{kConflicts}) continue;
    if (host::lstat_of(path + "/" + kDetached)) continue;
    if (lock_left_behind(path)) ids.push_back(name);
  }
  return ids;
}

std::vector<std::string> detached_sessions(const std::string& sessions_directory) {
  std::vector<std::string> ids;
  for (const auto& name : session_ids(sessions_directory)) {
    if (host::lstat_of(sessions_directory + "/" + name + "/" + kDetached)) ids.push_back(name);
  }
  return ids;
}

bool is_detached(const std::string& sessions_directory, const std::string& id) {
  return host::lstat_of(sessions_directory + "/" + id + "/" + kDetached).has_value();
}

bool session_is_owned(const std::string& sessions_directory, const std::string& id) {
  const auto path = sessions_directory + "/" + id;
  return host::lstat_of(path) && !host::try_lock_directory(path) && host::lstat_of(path);
}

bool jail_may_run(const std::string& sessions_directory, const std::string& id) {
  return is_detached(sessions_directory, id) || session_is_owned(sessions_directory, id);
}

AbandonedSession::AbandonedSession(const std::string& sessions_directory, const std::string& id)
    : path_(sessions_directory + "/" + id), lock_(lock_left_behind(path_)) {
  if (lock_ && !host::lstat_of(path_)) lock_.reset();
}

void remove_session(const std::string& sessions_directory, const std::string& id) {
  if (const AbandonedSession session(sessions_directory, id); session) session.remove();
}

void AbandonedSession::remove() const { remove_session_files(path_); }

}  // namespace jailed::work
