#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <jailed/core/error.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <jailed/plan/jail/limits.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/plan/sync/remote.hpp>
#include <sstream>

namespace jailed::plan {
namespace {

using Args = std::vector<std::string>;

constexpr const char* kPlace = "/jail";
constexpr const char* kCache = "/jail/cache";
constexpr const char* kEntry = "/workspace/.git";

constexpr const char* kFurnish =
    "set -e; umask 022\n"
    "while [ \"$1\" != -- ]; do mkdir -p \"$1\"; shift; done; shift\n"
    "while [ $# -gt 1 ]; do mkdir -p \"${1%/*}\"; ln -sfn \"$2\" \"$1\"; shift 2; done\n"
    "id -un";
constexpr const char* kUnpack = "mkdir -p \"$0\" && exec tar -x -C \"$0\"";
constexpr const char* kWrite = "mkdir -p \"${0%/*}\" && exec cat >\"$0\"";

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The image has a user, and the lease would be a FIFO of this machine's.
bool is_dropped(const std::string& target) {
  return target == "/etc/passwd" || target == "/etc/group" || target == "/etc/jailed/lease";
}

// Files of a session that jails read; everything else that is mounted is a directory.
bool is_session_file(const std::string& name) {
  return name == "gitconfig" || name == "gitfile" || name == "known" || name == "empty-file";
}

// Where the content of a mount lies.
std::string place_of_mount(const BindMount& mount, const std::string& home) {
  // A repository's directory; a .git file is put in its place as it is.
  if (mount.target == kEntry && last_part(mount.source) != "gitfile") return "/jail/git";
  if (mount.target == "/etc/jailed/gitconfig") return "/jail/gitconfig";
  if (mount.target == home + "/.cache") return kCache;
  // Mutagen's agent is where Mutagen looks for it: in the home, which is memory.
  if (mount.read_only || !is_within(mount.target, home)) return mount.target;
  return "/jail/agents/" + last_part(mount.source);
}

template <typename Value>
void add_once(std::vector<Value>& list, Value value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(std::move(value));
}

Carried carried_for(const Jail& jail) {
  Carried carried;
  const auto home = "/home/" + jail.user;
  for (const auto& mount : jail.binds) {
    // What is at the alias is in the volume, which is at both places.
    if (is_dropped(mount.target) || (!jail.place.alias.empty() && is_within(mount.target, jail.place.workspace))) continue;
    const auto place = place_of_mount(mount, home);
    if (place != mount.target && !mount.target.starts_with("/etc/")) carried.links.push_back({mount.target, place});
    if (mount.read_only) {
      carried.copied.push_back({mount.source, place, is_session_file(last_part(mount.source))});
      continue;
    }
    if (place == kCache) {
      carried.made.emplace_back(kCache);
      continue;
    }
    // The agents' directories by one session, which is for the directory that they are in.
    const bool state = is_within(mount.target, home);
    const NamedProject followed{state ? parent_of(place) : place, state ? parent_of(mount.source) : mount.source};
    add_once(carried.followed, followed);
    add_once(carried.made, parent_of(followed.name));
  }
  return carried;
}

constexpr std::uint64_t kMostMemory = std::uint64_t{1} << 50;

std::uint64_t memory_of(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::min(value, kMostMemory);
}

// It becomes part of a path.
bool is_architecture(const std::string& name) {
  return !name.empty() && name.size() <= 32 && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

// As Go spells it, and so Mutagen's bundle.
std::string architecture(const std::string& name) {
  if (name == "x86_64") return "amd64";
  return name == "aarch64" ? "arm64" : name;
}

}  // namespace

std::string jail_volume(const std::string& container) { return container + "-jail"; }

Jail jail_for(const Engine& engine, Jail jail) {
  if (engine.reach.mounts) return jail;
  jail.carried = carried_for(jail);
  jail.binds.clear();
  jail.volumes.push_back({jail.role.empty() ? jail_volume(container_name(jail.project, jail.id)) : std::string{}, kPlace});
  if (jail.role.empty()) jail.tmpfs = jail_tmpfs(jail.user, jail.limits, {}, jail.place);
  return jail;
}

core::EngineCall furnish_command(const Engine& engine, const std::string& container, const Carried& carried) {
  Args args = {"exec", "--workdir", "/", container, "/bin/sh", "-c", kFurnish, "furnish"};
  args.insert(args.end(), carried.made.begin(), carried.made.end());
  args.emplace_back("--");
  for (const auto& link : carried.links) args.insert(args.end(), {link.path, link.target});
  return {engine.program, std::move(args), {}};
}

core::Command read_copy_command(const RemoteCopy& copy) {
  if (copy.file) return {"/bin/cat", {"--", copy.source}, {}};
  // macOS' tar would add files of its own for what only macOS knows.
  return {"/usr/bin/env", {"COPYFILE_DISABLE=1", "tar", "-c", "-f", "-", "-C", copy.source, "."}, {}};
}

core::EngineCall write_copy_command(const Engine& engine, const std::string& container, const RemoteCopy& copy) {
  return {engine.program,
          {"exec", "-i", "--workdir", "/", container, "/bin/sh", "-c", copy.file ? kWrite : kUnpack, copy.place},
          {}};
}

std::vector<std::string> furnish_lines(const Engine& engine, const std::string& container, const Carried& carried) {
  std::vector<std::string> lines = {core::shell_line(furnish_command(engine, container, carried))};
  for (const auto& copy : carried.copied)
    lines.push_back(core::shell_line(read_copy_command(copy)) + " | " +
                    core::shell_line(write_copy_command(engine, container, copy)));
  return lines;
}

core::EngineCall ask_machine_command(const Engine& engine) {
  return {engine.program, {"info", "--format", traits_of(engine).answers.machine_format}, {}};
}

core::EngineCall ask_version_command(const Engine& engine) {
  return {engine.program, {"info", "--format", traits_of(engine).answers.version_format}, {}};
}

std::optional<MachineAnswer> parse_machine(const Engine& engine, std::string_view text) {
  std::istringstream words{std::string(text)};
  std::string memory, arch, rootless, version, controllers;
  words >> memory >> arch >> rootless >> version;
  std::getline(words, controllers);
  MachineAnswer answer{.machine = {memory_of(memory), architecture(arch)}, .rootless = traits_of(engine).rootless && rootless == "true", .limits = {}};
  if (answer.machine.memory == 0 || !is_architecture(arch)) return std::nullopt;
  if (!answer.rootless) return answer;
  std::erase_if(controllers, [](char c) { return c == '[' || c == ']'; });
  answer.limits = limit_support({version == "v2", controllers});
  return answer;
}

void check_remote(const core::Settings& settings, const Endpoint& endpoint, bool synced) {
  const auto here = fmt::format("use an engine of this machine: {}", endpoint.way_back);
  const auto named = fmt::format("{} names an engine on another machine, {}", endpoint.named_by,
                                 shown_address(endpoint.address));
  if (!synced) {
    throw core::Error(fmt::format("{}: what a jail mounts would be that machine's files.", named),
                      fmt::format("with Mutagen they go there and come back: https://mutagen.io, without --sync bind\n"
                                  "or {}",
                                  here));
  }
  if (settings.git == core::GitMode::rw)
    throw core::Error(fmt::format("{}, and --git rw mounts the repository of this one.", named),
                      fmt::format("take the default, --git shadow\nor {}", here));
}

}  // namespace jailed::plan
