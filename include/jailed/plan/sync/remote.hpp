#pragma once
#include <jailed/core/command.hpp>
#include <jailed/core/engine_call.hpp>
#include <jailed/core/settings.hpp>
#include <jailed/plan/engine/endpoint.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/project/projects.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// A jail on an engine of another machine, which sees no file of this one. Nothing is mounted from the host: what a
/// local jail has as bind mounts lies in a volume at /jail, to which links lead. What the jail only reads is copied
/// there once; what it writes, its agents' state and the shadows of repositories, Mutagen keeps in step as it does the
/// projects. The user is the image's own, kRemoteIdentity, so nothing has to be mounted at /etc either.

/// The uid and gid of the image's user (docker/install/user).
constexpr Identity kRemoteIdentity{1000, 1000};

/// `jail` as this engine can have it: as it is, or with all that would be mounted carried over. For one that runs in the
/// background. A helper (Jail::role) has a volume without a name, which goes with its container.
Jail jail_for(const Engine& engine, Jail jail);

/// The volume at /jail, beside the one of the first project.
std::string jail_volume(const std::string& container);

/// Makes directories and links in a running jail, then prints its user's name.
core::EngineCall furnish_command(const Engine& engine, const std::string& container, const Carried& carried);

/// Prints a directory's content as a tar archive, or a file; and what puts that in its place in the jail.
core::Command read_copy_command(const RemoteCopy& copy);
core::EngineCall write_copy_command(const Engine& engine, const std::string& container, const RemoteCopy& copy);

/// What engine::start_keeper does after the start of a jail with something to carry, for --dry-run: a line for a shell each.
std::vector<std::string> furnish_lines(const Engine& engine, const std::string& container, const Carried& carried);

/// Asks what kind of machine it is; and the answer. Nothing when it makes no sense.
core::EngineCall ask_machine_command(const Engine& engine);
core::EngineCall ask_version_command(const Engine& engine);
struct MachineAnswer {
  RemoteMachine machine;
  bool rootless = false;  // podman's
  LimitSupport limits;
};
std::optional<MachineAnswer> parse_machine(const Engine& engine, std::string_view text);

/// Throws core::Error for a launch that needs files of this machine in the jail. `synced`: Mutagen brings them.
void check_remote(const core::Settings& settings, const Endpoint& endpoint, bool synced);

}  // namespace jailed::plan
