#pragma once
#include <jailed/host/files/fd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::work {

/// The host's files of one launch: `<config>/sessions/<id>`, mode 0700, locked for as long as jailed lives. The directory
/// outlives the object unless somebody said that nothing in it is needed: so no exception takes an agent's work away. A
/// session whose lock is free was left behind, and the next jailed looks at it.
class Session {
 public:
  explicit Session(const std::string& sessions_directory);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// Leaves it to a jail that outlives this process; such a session is never taken for an abandoned one.
  void detach();
  /// All that was in it is home, or nobody has worked in it: the directory goes with the object.
  void done() { done_ = true; }

  const std::string& id() const { return id_; }
  const std::string& path() const { return path_; }

 private:
  std::string id_;
  std::string path_;
  host::Fd lock_;
  bool done_ = false;
};

/// A name for a session: 12 hex digits.
std::string new_session_id();
bool is_session_id(std::string_view name);

/// The sessions of a configuration: directories with such a name. Whatever else lies there (a .DS_Store, a link, an
/// editor's backup) is none, and is left alone.
std::vector<std::string> session_ids(const std::string& sessions_directory);

/// Ids of the sessions that nobody owns any more. Saved conflicts alone are no session: they are the user's.
std::vector<std::string> abandoned_sessions(const std::string& sessions_directory);

/// Ids of the sessions that were left to a jail.
std::vector<std::string> detached_sessions(const std::string& sessions_directory);

/// Whether this one was.
bool is_detached(const std::string& sessions_directory, const std::string& id);

/// Whether a living process holds the session.
bool session_is_owned(const std::string& sessions_directory, const std::string& id);

/// Whether its jail may be at work: somebody holds the session, or the jail was left alone (--detach), and nobody has to.
bool jail_may_run(const std::string& sessions_directory, const std::string& id);

/// Removes a session's directory but for saved conflicts, by its path.
void remove_session_files(const std::string& path);

/// Removes the files of such a session, but for saved conflicts.
void remove_session(const std::string& sessions_directory, const std::string& id);

/// Takes such a session over, so that no other jailed does; false when one was faster.
class AbandonedSession {
 public:
  AbandonedSession(const std::string& sessions_directory, const std::string& id);
  explicit operator bool() const { return static_cast<bool>(lock_); }
  /// Its files, but for saved conflicts.
  void remove() const;

 private:
  std::string path_;
  host::Fd lock_;
};

}  // namespace jailed::work
