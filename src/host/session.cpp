#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/session.hpp>
#include <thread>

namespace jailed::host {
namespace {

constexpr const char* kConflicts = "conflicts";
constexpr const char* kDetached = "detached";
constexpr std::size_t kIdBytes = 6;
constexpr auto kDeathWatchPatience = std::chrono::seconds(5);

// Nothing for a session that somebody owns. One that a death watch still tidies up is waited for: taken for a living one, its
// work would not be home when the next jail begins.
Fd lock_left_behind(const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + kDeathWatchPatience;
  for (;;) {
    if (auto lock = try_lock_directory(path)) return lock;
    if (!try_share_directory(path) || std::chrono::steady_clock::now() > deadline) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

// The directory goes last, and only when it is empty.
void remove_session_files(const std::string& path) {
  for (const auto& name : list_directory(path)) {
    if (name != kConflicts) remove_tree(path + "/" + name);
  }
  ::rmdir(path.c_str());
}

std::string new_session_id() { return random_hex(kIdBytes); }

bool is_session_id(std::string_view name) {
  return name.size() == 2 * kIdBytes && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::vector<std::string> session_ids(const std::string& sessions_directory) {
  auto ids = list_directory(sessions_directory);
  std::erase_if(ids, [&](const auto& name) {
    if (!is_session_id(name)) return true;
    const auto info = lstat_of(sessions_directory + "/" + name);
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
    lock_ = try_lock_directory(path_);
    if (lock_ && lstat_of(path_)) return;
  }
  throw core::Error(
      fmt::format("Cannot make the session directory {}: {}.", core::printable(path_), std::strerror(errno)),
      errno == ENOSPC ? "free some space there, then try again" : "");
}

Session::~Session() {
  if (done_) remove_session_files(path_);
}

void Session::detach() { write_new_file(path_ + "/" + kDetached, "", 0600); }

std::vector<std::string> abandoned_sessions(const std::string& sessions_directory) {
  std::vector<std::string> ids;
  for (const auto& name : session_ids(sessions_directory)) {
    const auto path = sessions_directory + "/" + name;
    if (list_directory(path) == std::vector<std::string>{kConflicts}) continue;
    if (lstat_of(path + "/" + kDetached)) continue;
    if (lock_left_behind(path)) ids.push_back(name);
  }
  return ids;
}

std::vector<std::string> detached_sessions(const std::string& sessions_directory) {
  std::vector<std::string> ids;
  for (const auto& name : session_ids(sessions_directory)) {
    if (lstat_of(sessions_directory + "/" + name + "/" + kDetached)) ids.push_back(name);
  }
  return ids;
}

bool is_detached(const std::string& sessions_directory, const std::string& id) {
  return lstat_of(sessions_directory + "/" + id + "/" + kDetached).has_value();
}

bool session_is_owned(const std::string& sessions_directory, const std::string& id) {
  const auto path = sessions_directory + "/" + id;
  return lstat_of(path) && !try_lock_directory(path) && lstat_of(path);
}

AbandonedSession::AbandonedSession(const std::string& sessions_directory, const std::string& id)
    : path_(sessions_directory + "/" + id), lock_(lock_left_behind(path_)) {
  if (lock_ && !lstat_of(path_)) lock_.reset();
}

void remove_session(const std::string& sessions_directory, const std::string& id) {
  if (const AbandonedSession session(sessions_directory, id); session) session.remove();
}

void AbandonedSession::remove() const { remove_session_files(path_); }

bool Lease::supported() {
#ifdef __linux__
  return true;
#else
  return false;
#endif
}

Lease::Lease(const std::string& path) : path_(path) {
  if (!supported() || ::mkfifo(path.c_str(), 0600) != 0) return;
  // For reading as well: opening does not wait for the jail, and a full pipe cannot block.
  write_end_ = Fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ::chmod(path.c_str(), 0444);
  // No signal's number: process 1 takes it out and does nothing.
  send(0);
}

bool Lease::was_read() const {
  int waiting = 1;
  return write_end_ && ::ioctl(write_end_.get(), FIONREAD, &waiting) == 0 && waiting == 0;
}

bool Lease::is_unread(const std::string& path) {
  struct stat info {};
  int waiting = 0;
  const Fd lease(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  return lease && ::fstat(lease.get(), &info) == 0 && S_ISFIFO(info.st_mode) && ::ioctl(lease.get(), FIONREAD, &waiting) == 0 && waiting > 0;
}

bool Lease::send(int signal) const {
  const auto byte = static_cast<unsigned char>(signal);
  return write_end_ && ::write(write_end_.get(), &byte, 1) == 1;
}

}  // namespace jailed::host
