#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace jailed::core {

enum class Sync { mutagen, bind };

/// The filter of system calls: jailed's own profile, or the engine's.
enum class Seccomp { jailed, engine };

/// Whose caches a jail uses: those of all jails, the project's own, none.
enum class Cache { shared, project, none };

/// How a jail sees the project's repository: a private copy whose commits come home, the repository itself,
/// its history to read, not at all.
enum class GitMode { shadow, rw, ro, none };

/// What of the engine's socket a jail gets: nothing, the socket itself, or a proxy that lets through what
/// Testcontainers needs.
enum class Testcontainers { off, socket, proxy };

/// What a jail can talk to: everything; what its policy allows; everything, and it is written down; nothing.
enum class Network { open, restricted, observe, none };

/// How what changed is reported that the host's tools would run.
enum class Report { text, json };

/// A refusal that the user waived for one launch: `--allow NAME`.
enum class Waiver { foreign_project, system_directory, secret_store, symlink };

/// A setting and who set it ("--runtime", "JAILED_RUNTIME"); empty `set_by` means the default.
struct Named {
  std::string value;
  std::string set_by;
  bool operator==(const Named&) const = default;
};

/// Every decision of the user, checked. Which flag, variable and default each member has: plan/settings/table.
struct Settings {
  std::optional<Named> runtime;  // unset: podman, then docker, whichever is on PATH
  std::string image = "jailed:latest";
  std::string user = "coder";
  std::string config_dir;
  std::optional<Sync> sync;  // unset: mutagen when it is installed
  GitMode git = GitMode::shadow;
  std::optional<std::uint64_t> memory;  // bytes; unset: three quarters of the host's
  std::optional<std::string> cpus;
  std::uint64_t pids = 4096;
  std::uint64_t files = 65536;                                 // open files of one process
  std::optional<std::uint64_t> tmp_size, home_size, shm_size;  // bytes; unset: a share of the memory limit
  Seccomp seccomp = Seccomp::jailed;
  std::optional<Named> sandbox;  // an OCI runtime of the engine's; unset: the engine's default
  std::string profile;           // agents of its own; empty: those that all jails share
  bool copy_logins = false;      // into the profile, from what is shared
  Cache cache = Cache::shared;
  std::vector<std::string> env;  // NAME or NAME=VALUE
  bool agent_env = true;
  std::set<Waiver> allow;
  std::vector<std::string> allow_edit;  // globs
  Report report = Report::text;
  Testcontainers testcontainers = Testcontainers::off;
  Network network = Network::open;
  std::vector<Named> allow_hosts, deny_hosts;  // HOST[:PORT], for this launch
  std::vector<std::string> allow_sets;         // none: those that fit the command
  bool isolated = true;  // out of other jails' and containers' reach on the network, where the engine has a way

  // Of one call.
  bool ask = false, resume = false;   // of an agent that is started by its name
  std::optional<std::string> prompt;  // likewise; "-": what stands on standard input
  bool detach = false, reuse = false, all = false, json = false, follow = false, dry_run = false, global = false;
  bool quiet = false, verbose = false;
  std::optional<std::string> log_file;

  // Of `jailed build`.
  std::optional<std::string> name;  // of the user in the image; unset: `user`
  std::string base = "debian:trixie-slim";
  std::optional<std::vector<std::string>> agents, toolchains;  // unset: all
  std::optional<std::string> ca_cert;                          // path of a PEM file
  bool update = false, no_cache = false, pull = false;

  std::map<std::string, std::string, std::less<>> given;  // setting -> who set it; the others have their default
  bool operator==(const Settings&) const = default;
};

}  // namespace jailed::core
