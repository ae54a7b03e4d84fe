#pragma once
#include <sys/stat.h>
#include <sys/types.h>

#include <jailed/host/files/fd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::host {

/// Bind mounts in which root's files appear as another user's, below /run/jailed/<id>: what the jail writes
/// as that user is root's outside. Linux >= 5.12 (mount_setattr(2)) on a file system that takes part (ext4,
/// xfs and btrfs do; tmpfs since 6.3; most network file systems do not). Unmounted with its owner; `sweep`
/// unmounts what a killed jailed left.
///
/// Until `make`, they are only planned, and nothing of the host is touched.
class IdmappedMounts {
 public:
  /// `made_by_root`: who serves the files is root, makes new ones as such and gives them to the user (gVisor's gofer). In a
  /// plain idmapped mount root is nobody and can make nothing; so root gets the place that the user's own id left free.
  IdmappedMounts(const std::string& session_id, uid_t uid, gid_t gid, bool made_by_root = false);

  /// Makes what is planned, in its order; from then on `add` and `hold` mount at once. Throws core::Error with the ways out where
  /// that cannot be done.
  void make();

  IdmappedMounts(const IdmappedMounts&) = delete;
  IdmappedMounts& operator=(const IdmappedMounts&) = delete;
  ~IdmappedMounts();

  /// `source`, a directory or a file, appears at `place`, one of this session's. No symbolic link is followed on the way to it, and
  /// where `checked` is given, it must still be that one.
  void add(const std::string& source, const std::string& place, const struct stat* checked = nullptr);

  /// The same for a directory whose files stay whose they are: whoever may write above it can put nothing else in its place any more.
  void hold(const std::string& source, const std::string& place, const struct stat& checked);

  /// Where the mounts of such a session are, and a place among them.
  static std::string directory(const std::string& session_id);
  static std::string place(const std::string& session_id, const std::string& name);

  static void sweep();

 private:
  struct Planned {
    std::string source, place;
    std::optional<struct stat> checked;
    bool as_it_is;
  };
  void plan_or_mount(Planned planned);
  void mount(const Planned& planned) const;

  uid_t uid_;
  gid_t gid_;
  bool made_by_root_;
  std::string directory_;
  std::vector<Planned> planned_;
  Fd lock_;  // held once they are made
};

}  // namespace jailed::host
