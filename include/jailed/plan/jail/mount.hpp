#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace jailed::plan {

/// A directory or file of the host inside the jail.
struct BindMount {
  std::string source;
  std::string target;
  bool read_only = false;
  bool operator==(const BindMount&) const = default;
};

/// Where a project is in the jail, and where what belongs to its repository is. The first project's by default.
struct JailPlace {
  std::string workspace = "/workspace";  // where work is done, see place_for
  std::string git = "/jail";
  std::string alias = {};  // the same directory once more, with all that is mounted in it; empty: at `workspace` only
  bool operator==(const JailPlace&) const = default;
};

/// A volume of the engine's. A new one gets mode and owner of the image's directory at its place; where there is none, they
/// are root's 0755 with Docker and the jail's user's with Podman.
struct VolumeMount {
  std::string name;  // empty: one without a name, which goes with its container
  std::string target;
  bool again = false;  // it is at another place as well, and that one's directory counts
  bool operator==(const VolumeMount&) const = default;
};

/// Memory-backed, nosuid and nodev, gone with the jail.
struct TmpfsMount {
  std::string target;
  std::uint64_t size = 0;  // bytes; an inode for every 4 KiB of them where the engine can
  bool exec = false;
  bool shared = false;  // mode 1777, as /tmp; otherwise the jail's user owns it, mode 0700
  bool operator==(const TmpfsMount&) const = default;
};

/// `fields` as one record of comma-separated values, the form that both engines' --mount takes; a field with
/// a comma, a quote or a line break is quoted.
std::string csv_record(const std::vector<std::string>& fields);

/// Why no engine can mount this path exactly; empty when one can. Docker sends paths as JSON, which holds
/// only UTF-8 (20.10 would mount a look-alike), and Go's CSV reader turns CR LF into LF.
std::string unmountable(const std::string& path);

}  // namespace jailed::plan
