#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <jailed/core/agent.hpp>
#include <jailed/core/version.hpp>
#include <jailed/plan/jail.hpp>

namespace jailed::plan {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

using Args = std::vector<std::string>;

std::string home_of(const std::string& user) { return "/home/" + user; }

// Docker's tmpfs takes uid= and gid=; podman's does not, it has U: the container's user becomes the owner.
std::string tmpfs_argument(const TmpfsMount& mount, const Engine& engine, Identity identity) {
  std::string options = fmt::format("rw,{},nosuid,nodev,size={}", mount.exec ? "exec" : "noexec", mount.size);
  options += mount.shared ? ",mode=1777" : ",mode=0700";
  if (engine.kind == EngineKind::podman) {
    options += ",notmpcopyup";
    if (!mount.shared) options += ",U";
  } else if (!mount.shared) {
    options += fmt::format(",uid={},gid={}", identity.uid, identity.gid);
  }
  return mount.target + ":" + options;
}

std::string bind_argument(const BindMount& mount) {
  Args fields = {"type=bind", "source=" + mount.source, "target=" + mount.target};
  if (mount.read_only) fields.emplace_back("readonly");
  return csv_record(fields);
}

void add_limits(Args& args, const Limits& limits) {
  if (limits.pids) args.insert(args.end(), {"--pids-limit", std::to_string(*limits.pids)});
  if (limits.memory) {
    const auto bytes = std::to_string(*limits.memory);
    args.insert(args.end(), {"--memory", bytes, "--memory-swap", bytes});
  }
  if (limits.cpus) args.insert(args.end(), {"--cpus", *limits.cpus});
}

void add_environment(Args& args, const Jail& jail) {
  args.insert(args.end(), {"-e", "JAILED_PROJECT=" + project_name(jail.project)});
  for (const auto& variable : jail.environment.constants)
    args.insert(args.end(), {"-e", variable.name + "=" + variable.value});
  for (const auto& name : jail.environment.names) args.insert(args.end(), {"-e", name});
  if (jail.env_file) args.insert(args.end(), {"--env-file", *jail.env_file});
}

}  // namespace

Limits jail_limits(const core::Settings& settings, std::uint64_t host_memory) {
  Limits limits;
  limits.memory = settings.memory.value_or(host_memory / 4 * 3);
  limits.pids = settings.pids;
  limits.cpus = settings.cpus;
  limits.tmpfs_scale = *limits.memory;
  return limits;
}

std::vector<BindMount> jail_binds(const HostPaths& paths, const std::string& user) {
  const auto home = home_of(user);
  std::vector<BindMount> binds = {
      {paths.session + "/passwd", "/etc/passwd", true},
      {paths.session + "/group", "/etc/group", true},
      {paths.session + "/gitconfig", "/etc/jailed/gitconfig", true},
  };
  if (paths.lease) binds.push_back({*paths.lease, "/etc/jailed/lease", true});
  binds.push_back({paths.workspace, "/workspace", false});
  binds.insert(binds.end(), paths.git.begin(), paths.git.end());
  for (const auto& agent : core::agents()) {
    for (const auto& state : agent.state) {
      binds.push_back({fmt::format("{}/{}", paths.agents, state.name),
                       fmt::format("{}/{}", home, state.home_path), false});
    }
  }
  binds.push_back({paths.cache, home + "/.cache", false});
  return binds;
}

std::vector<TmpfsMount> jail_tmpfs(const std::string& user, std::uint64_t scale,
                                   const std::vector<BindMount>& binds) {
  const auto home = home_of(user);
  std::vector<TmpfsMount> mounts = {
      {.target = "/tmp", .size = std::max(scale / 4, 64 * kMiB), .exec = true, .shared = true},
      {.target = "/var/tmp", .size = std::max(scale / 16, 64 * kMiB), .shared = true},
      {.target = "/run", .size = 64 * kMiB},
      {.target = home, .size = std::max(scale / 8, 64 * kMiB), .exec = true},
  };
  std::vector<std::string> parents;
  for (const auto& bind : binds) {
    if (!bind.target.starts_with(home + "/")) continue;
    for (auto slash = bind.target.find('/', home.size() + 1); slash != std::string::npos;
         slash = bind.target.find('/', slash + 1)) {
      parents.push_back(bind.target.substr(0, slash));
    }
  }
  std::sort(parents.begin(), parents.end());
  parents.erase(std::unique(parents.begin(), parents.end()), parents.end());
  for (const auto& parent : parents) {
    mounts.push_back({.target = parent, .size = std::max(scale / 16, 64 * kMiB), .exec = true});
  }
  return mounts;
}

std::string project_name(const std::string& project) {
  static constexpr std::size_t kLongest = 40;
  std::string slug = project.substr(project.rfind('/') + 1).substr(0, kLongest);
  for (auto& c : slug) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x7F || (std::isalnum(byte) == 0 && c != '.' && c != '_' && c != '-')) c = '-';
  }
  return slug;
}

std::string container_name(const std::string& project, const std::string& id) {
  return fmt::format("jailed-{}-{}", project_name(project), id);
}

std::string container_name(const Jail& jail) {
  const auto name = container_name(jail.project, jail.id);
  return jail.role.empty() ? name : name + "-" + jail.role;
}

core::Command run_command(const Engine& engine, const Jail& jail) {
  core::Command command{engine.program, {"run", "--rm", "-i"}, jail.environment.child_env};
  auto& args = command.args;
  if (jail.terminal) args.emplace_back("-t");
  // "=" and not a word of its own: podman's --pull may stand without a value.
  args.insert(args.end(), {"--pull=never", "--name", container_name(jail), "--hostname", "jailed"});
  if (!jail.network) args.insert(args.end(), {"--network", "none"});
  if (engine.rootless) args.emplace_back("--userns=keep-id");
  args.insert(args.end(), {"--user", fmt::format("{}:{}", jail.identity.uid, jail.identity.gid),
                           "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"});
  for (const auto group : jail.groups) args.insert(args.end(), {"--group-add", std::to_string(group)});
  for (const auto& host : jail.hosts) args.insert(args.end(), {"--add-host", host});
  add_limits(args, jail.limits);
  args.insert(args.end(), {"--log-driver", "none"});
  for (const auto& mount : jail.tmpfs)
    args.insert(args.end(), {"--tmpfs", tmpfs_argument(mount, engine, jail.identity)});
  for (const auto& mount : jail.binds) args.insert(args.end(), {"--mount", bind_argument(mount)});
  args.insert(args.end(), {"--workdir", jail.role.empty() ? "/workspace" : "/tmp"});
  add_environment(args, jail);
  args.insert(args.end(),
              {"--label", "jailed.session=" + jail.id, "--label", "jailed.project=" + jail.project, "--label",
               fmt::format("jailed.owner={}", jail.owner), "--label",
               fmt::format("jailed.version={}", core::kVersion)});
  args.push_back(jail.image);
  args.insert(args.end(), jail.command.begin(), jail.command.end());
  return command;
}

core::Command remove_command(const Engine& engine, const std::string& container) {
  return {engine.program, {"rm", "--force", "--volumes", container}, {}};
}

core::Command find_session_command(const Engine& engine, const std::string& session_id) {
  return {engine.program, {"ps", "--all", "--quiet", "--filter", "label=jailed.session=" + session_id}, {}};
}

core::Command image_exists_command(const Engine& engine, const std::string& image) {
  return {engine.program, {"image", "inspect", "--format", "{{.Id}}", image}, {}};
}

}  // namespace jailed::plan
