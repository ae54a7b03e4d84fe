#pragma once
#include <cstdint>
#include <jailed/core/engine_call.hpp>
#include <jailed/core/exit_status.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/jail/carried.hpp>
#include <jailed/plan/jail/layout.hpp>
#include <jailed/plan/jail/mount.hpp>
#include <jailed/plan/jail/user_files.hpp>
#include <jailed/plan/project/projects.hpp>
#include <jailed/plan/settings/environment.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// What the engine has to keep to; unset: the engine cannot enforce it here.
struct Limits {
  std::optional<std::uint64_t> memory;  // bytes, swap included
  std::optional<std::uint64_t> pids;
  std::optional<std::string> cpus;
  std::uint64_t tmpfs_scale = 0;  // bytes of memory that the sizes of the tmpfs mounts are fractions of
  std::uint64_t tmp = 0, home = 0, shm = 0;  // bytes
  std::uint64_t files = 0;                   // open files of one process
  std::uint64_t user_processes = 0;          // of the caller, as the host has it
};

/// What the host says about memory and about the caller's own limits, which no container of theirs may
/// exceed.
struct HostLimits {
  std::uint64_t memory = 0;
  std::uint64_t files = 0;
  std::uint64_t processes = 0;
};

/// What an engine says of a jail's memory after its end. Docker (20.10) hears of a lack late, and of a container that is
/// gone by then not at all, so its silence says nothing.
enum class OutOfMemory { yes, unknown };

/// What to say of a jail whose command ended as one that is killed, and no more than is known: the kernel kills when the
/// memory limit is reached, and so may everybody else. Nothing for another end, and where nothing is known.
std::optional<std::string> killed_hint(core::ExitStatus status, const Engine& engine, const Limits& limits,
                                       OutOfMemory memory);

/// Asks whether the kernel killed for memory in this container, also when it is gone; prints a line a time. Nothing for an
/// engine that does not know afterwards.
std::optional<core::EngineCall> out_of_memory_command(const Engine& engine, const std::string& container);

/// Three quarters of the host's memory unless the user said otherwise.
Limits jail_limits(const core::Settings& settings, const HostLimits& host);

/// One jail, apart from the engine that will run it.
struct Jail {
  std::string id;       // unique among jails
  std::string role;     // not empty: what a helper of jail `id` does, "git"
  std::string project;  // the path that the user means, for labels and the name
  uid_t owner = 0;      // who started it, on the host
  std::vector<NamedProject> further;  // projects beside the first
  JailPlace place = {};               // of the first project: its commands start there
  std::string image;
  std::string user;
  Identity identity;
  Limits limits;
  std::vector<BindMount> binds;
  std::optional<Carried> carried;  // instead of bind mounts, where an engine cannot have them (jail_for)
  std::vector<TmpfsMount> tmpfs;
  std::vector<VolumeMount> volumes;
  std::vector<gid_t> groups;       // more than the identity's own
  std::vector<std::string> hosts;  // NAME:ADDRESS for the jail's /etc/hosts
  EnvPlan environment;
  std::optional<std::string> env_file;
  std::optional<std::string> seccomp;  // a file with a profile; unset: the engine's own
  std::optional<std::string> sandbox;  // an OCI runtime that the engine knows; unset: the engine's default
  std::vector<std::string> command;
  /// Not empty: the jail runs this in the background, and `command` is run in it.
  std::vector<std::string> keeper_command;
  bool logged = false;              // the engine keeps what the keeper command says, 10 MB of it
  std::vector<std::string> labels;  // KEY=VALUE, beside those of every jail
  bool terminal = false;            // both ends are terminals
  bool network = true;
  bool isolated = false;  // on a network where no other container reaches it
};

/// The bind mounts: user files, projects at all their places, agents' state, caches. `in_projects`: the projects, and what is mounted
/// in and beside them, each at the project's own place.
std::vector<BindMount> jail_binds(const Layout& layout, std::vector<BindMount> in_projects, const std::string& user);

/// The profile of docker/seccomp.json, as compiled in.
std::string_view seccomp_profile();

/// /tmp, /var/tmp, /run (podman would mount its own there, without a size), the home, and those directories
/// in the home that lead to a mount: an engine would make them as root, and the agent could not write beside
/// the mount. /root, which an image keeps closed, where a project is below it.
std::vector<TmpfsMount> jail_tmpfs(const std::string& user, const Limits& limits,
                                   const std::vector<BindMount>& binds, const JailPlace& place = {});

/// The last component of a path, with only what engines allow in a name.
std::string project_name(const std::string& project);

/// `jailed-<project>-<id>`.
std::string container_name(const std::string& project, const std::string& id);

/// KEY=VALUE: session, project, owner, version. How jails and their volumes are found.
std::vector<std::string> jail_labels(const Engine& engine, const Jail& jail);

/// The one of these that says from which machine an engine of another one was asked.
std::string machine_label(const Engine& engine);

/// The name that `run_command` gives; a helper's has its role at the end.
std::string container_name(const Jail& jail);

/// `-t` for a `run` or an `exec`, with every key going to the jail.
void add_terminal(std::vector<std::string>& args, const Engine& engine);

/// The engine call that starts the jail: in the foreground, or with a keeper command in the background.
core::EngineCall run_command(const Engine& engine, const Jail& jail);

/// Removes the container if it is still there, e.g. when the engine's client was killed.
core::EngineCall remove_command(const Engine& engine, const std::string& container);

/// Asks the jail's command to end, and ends the jail when it has not within some seconds.
core::EngineCall stop_command(const Engine& engine, const std::vector<std::string>& containers);

/// Prints the ids of the containers of one session.
core::EngineCall find_session_command(const Engine& engine, const std::string& session_id);

/// Answers whether an image is there, or why the engine cannot say so.
core::EngineCall image_exists_command(const Engine& engine, const std::string& image);

}  // namespace jailed::plan
