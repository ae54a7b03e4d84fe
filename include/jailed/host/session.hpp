#pragma once
#include <jailed/host/fd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::host {

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
  Fd lock_;
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
  Fd lock_;
};

/// A FIFO that process 1 of the jail reads: a byte is a signal for the jail's command, the end of the stream
/// says that jailed is gone. The end comes by itself when jailed dies, however it dies. Nobody in the jail
/// can open the FIFO for writing (mode 0444 on a read-only mount), or it could keep itself alive.
class Lease {
 public:
  /// Where a FIFO cannot be made (file systems without them; macOS, whose engines are in a virtual machine)
  /// the lease is empty, and jailed's other nets hold.
  explicit Lease(const std::string& path);

  /// Whether this system's containers can hold such a FIFO.
  static bool supported();

  explicit operator bool() const { return static_cast<bool>(write_end_); }
  const std::string& path() const { return path_; }
  /// Whether process 1 has read what is in it from the beginning: then the jail's command has begun. That it has not tells
  /// nothing (an image without our init, an engine in a virtual machine).
  bool was_read() const;
  /// Whether there is a lease of which process 1 has not read yet. For whoever may look at it.
  static bool is_unread(const std::string& path);
  /// Whether the signal could be handed over.
  bool send(int signal) const;
  void release() { write_end_.reset(); }

 private:
  std::string path_;
  Fd write_end_;
};

}  // namespace jailed::host
