#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <jailed/core/agent.hpp>
#include <jailed/core/version.hpp>
#include <jailed/plan/build/image_context.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <jailed/plan/jail/isolated_network.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/jail/selinux.hpp>
#include <jailed/plan/project/project.hpp>

namespace jailed::plan {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1024} * 1024;

using Args = std::vector<std::string>;

std::string home_of(const std::string& user) { return "/home/" + user; }

std::string tmpfs_argument(const TmpfsMount& mount, const Engine& engine, Identity identity) {
  std::string options = fmt::format("rw,{},nosuid,nodev,size={}", mount.exec ? "exec" : "noexec", mount.size);
  options += mount.shared ? ",mode=1777" : ",mode=0700";
  return mount.target + ":" + options + traits_of(engine).run.tmpfs_options(mount, identity);
}

// "18 GiB", "256 MiB": the largest unit in which it is at least 1, with one decimal where that says more.
std::string size_text(std::uint64_t bytes) {
  constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
  const auto size = static_cast<double>(bytes);
  const auto number = [](double value) {
    const auto text = fmt::format("{:.1f}", value);
    return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
  };
  return size >= kGiB ? number(size / kGiB) + " GiB" : number(size / static_cast<double>(kMiB)) + " MiB";
}

// A share of the memory, but never less than a tool's scratch files need.
std::uint64_t share(std::uint64_t memory, std::uint64_t parts) { return std::max(memory / parts, 64 * kMiB); }

std::string volume_argument(const Engine& engine, const VolumeMount& mount) {
  std::vector<std::string> fields = {"type=volume"};
  if (!mount.name.empty()) fields.push_back("source=" + mount.name);
  fields.push_back("target=" + mount.target);
  if (const auto word = traits_of(engine).run.again; mount.again && !word.empty()) fields.emplace_back(word);
  return csv_record(fields);
}

void add_process_limits(Args& args, const Engine& engine, const Limits& limits) {
  const auto add = [&](std::string_view name, std::uint64_t value) {
    args.insert(args.end(), {"--ulimit", fmt::format("{0}={1}:{1}", name, value)});
  };
  add("nofile", limits.files);
  // A limit of 0 would stop core files only: the kernel starts a host's core handler, as the host's root, all
  // the same. 1 stops both (core(5), "Piping core dumps to a program").
  add("core", 1);
  if (!traits_of(engine).run.names_every_limit) return;
  const auto processes = limits.user_processes;
  add("nproc", engine.rootless && limits.pids ? std::min(*limits.pids, processes) : processes);
}

void add_log(Args& args, const Engine& engine, const Jail& jail) {
  if (!jail.logged) {
    args.insert(args.end(), {"--log-driver", "none"});
    return;
  }
  // Max-size counts the bytes of a file that is then begun anew.
  args.insert(args.end(), {"--log-driver", std::string(traits_of(engine).run.log_driver), "--log-opt", "max-size=10m"});
}

void add_limits(Args& args, const LimitSupport& can, const Limits& limits) {
  if (limits.pids && can.pids) args.insert(args.end(), {"--pids-limit", std::to_string(*limits.pids)});
  if (limits.memory && can.memory) {
    const auto bytes = std::to_string(*limits.memory);
    args.insert(args.end(), {"--memory", bytes, "--memory-swap", bytes});
  }
  if (limits.cpus && can.cpus) args.insert(args.end(), {"--cpus", *limits.cpus});
  args.insert(args.end(), {"--shm-size", std::to_string(limits.shm)});
}

void add_environment(Args& args, const Jail& jail) {
  args.insert(args.end(), {"-e", "JAILED_PROJECT=" + project_name(jail.project)});
  if (!jail.place.alias.empty() && jail.role.empty()) {
    // For the shell (docker/etc/zshrc).
    args.insert(args.end(), {"-e", "JAILED_WORKSPACE=" + jail.place.workspace});
    auto places = jail.further;
    for (auto& project : places) project.path = place_for(project.path, jail.user, project.name).workspace;
    if (!places.empty()) args.insert(args.end(), {"-e", "JAILED_PROJECTS=" + projects_label(places)});
  }
  for (const auto& variable : jail.environment.constants)
    args.insert(args.end(), {"-e", variable.name + "=" + variable.value});
  for (const auto& name : jail.environment.names) args.insert(args.end(), {"-e", name});
  if (jail.env_file) args.insert(args.end(), {"--env-file", *jail.env_file});
}

}  // namespace

Limits jail_limits(const core::Settings& settings, const HostLimits& host) {
  Limits limits;
  limits.memory = settings.memory.value_or(host.memory / 4 * 3);
  limits.pids = settings.pids;
  limits.cpus = settings.cpus;
  limits.tmpfs_scale = *limits.memory;
  limits.tmp = settings.tmp_size.value_or(share(*limits.memory, 4));
  limits.home = settings.home_size.value_or(share(*limits.memory, 8));
  limits.shm = settings.shm_size.value_or(share(*limits.memory, 16));
  limits.files = std::min(settings.files, host.files);
  limits.user_processes = host.processes;
  return limits;
}

std::optional<std::string> killed_hint(core::ExitStatus status, const Engine& engine, const Limits& limits,
                                       OutOfMemory memory) {
  constexpr int kKill = 9;
  if (status == core::ExitStatus::signalled(kKill))
    return fmt::format("{}'s client was killed, and the jail ended with it.", traits_of(engine).name);
  constexpr int kKilled = 128 + kKill;
  if (status != core::ExitStatus::exited(kKilled)) return std::nullopt;
  const bool limited = limits.memory && engine.limits.memory;
  if (memory == OutOfMemory::yes)
    return fmt::format("The jail ran out of memory{}, and the kernel killed what ran in it.",
                       limited ? fmt::format(" (limit {}; raise it with --memory)", size_text(*limits.memory)) : "");
  if (!limited) return std::nullopt;
  return fmt::format("The command ended with status 137, as one does that is killed. If that was for want of memory: the limit is "
                     "{}; raise it with --memory.",
                     size_text(*limits.memory));
}

std::optional<core::EngineCall> out_of_memory_command(const Engine& engine, const std::string& container) {
  const auto events = traits_of(engine).answers.memory_events;
  if (!events) return std::nullopt;
  return core::EngineCall{engine.program, events(container), {}};
}

std::string_view seccomp_profile() {
  for (const auto& file : image_context()) {
    if (file.path == "seccomp.json") return file.content;
  }
  return {};
}

std::vector<BindMount> jail_binds(const Layout& layout, std::vector<BindMount> in_projects, const std::string& user) {
  const auto home = home_of(user);
  std::vector<BindMount> binds = {
      {layout.file("passwd"), "/etc/passwd", true},
      {layout.file("group"), "/etc/group", true},
      {layout.file("gitconfig"), "/etc/jailed/gitconfig", true},
  };
  if (layout.lease) binds.push_back({*layout.lease, "/etc/jailed/lease", true});
  std::vector<JailPlace> places;
  for (const auto& project : layout.projects) places.push_back(project.place);
  in_projects = at_all_places(std::move(in_projects), places);
  binds.insert(binds.end(), in_projects.begin(), in_projects.end());
  for (const auto& agent : core::agents()) {
    for (const auto& state : agent.state) {
      binds.push_back({fmt::format("{}/{}", layout.state.agents, state.name),
                       fmt::format("{}/{}", home, state.home_path), false});
    }
  }
  if (!layout.state.cache.empty()) binds.push_back({layout.state.cache, home + "/.cache", false});
  return binds;
}

std::vector<TmpfsMount> jail_tmpfs(const std::string& user, const Limits& limits,
                                   const std::vector<BindMount>& binds, const JailPlace& place) {
  const auto home = home_of(user);
  std::vector<TmpfsMount> mounts = {
      {.target = "/tmp", .size = limits.tmp, .exec = true, .shared = true},
      {.target = "/var/tmp", .size = share(limits.tmpfs_scale, 16), .shared = true},
      {.target = "/run", .size = 64 * kMiB},
      {.target = home, .size = limits.home, .exec = true},
  };
  const auto in_root = [](const std::string& target) { return is_within(target, "/root"); };
  if (in_root(place.workspace) || std::any_of(binds.begin(), binds.end(), [&](const auto& bind) { return in_root(bind.target); }))
    mounts.push_back({.target = "/root", .size = kMiB});
  const bool cached = std::any_of(binds.begin(), binds.end(), [&](const auto& bind) { return bind.target == home + "/.cache"; });
  if (!binds.empty() && !cached) mounts.push_back({.target = home + "/.cache", .size = limits.tmp, .exec = true});
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
    mounts.push_back({.target = parent, .size = share(limits.tmpfs_scale, 16), .exec = true});
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

std::string machine_label(const Engine& engine) { return "jailed.machine=" + engine.asked_from; }

std::vector<std::string> jail_labels(const Engine& engine, const Jail& jail) {
  Args labels = {"jailed.session=" + jail.id, "jailed.project=" + jail.project,
                 fmt::format("jailed.owner={}", jail.owner),
                 fmt::format("jailed.version={}", core::kVersion)};
  if (!jail.further.empty()) labels.push_back("jailed.projects=" + projects_label(jail.further));
  if (!jail.role.empty()) labels.push_back("jailed.role=" + jail.role);
  if (!engine.asked_from.empty()) labels.push_back(machine_label(engine));
  labels.insert(labels.end(), jail.labels.begin(), jail.labels.end());
  return labels;
}

std::string container_name(const Jail& jail) {
  const auto name = container_name(jail.project, jail.id);
  return jail.role.empty() ? name : name + "-" + jail.role;
}

void add_terminal(std::vector<std::string>& args, const Engine& engine) {
  args.emplace_back("-t");
  if (const auto keys = traits_of(engine).run.detach_keys; !keys.empty()) args.emplace_back(keys);
}

core::EngineCall run_command(const Engine& engine, const Jail& jail) {
  const bool keeper = !jail.keeper_command.empty();
  core::EngineCall command{engine.program, {"run", "--rm", keeper ? "-d" : "-i"}, jail.environment.child_env};
  auto& args = command.args;
  const auto& traits = traits_of(engine).run;
  if (jail.sandbox) args.insert(args.begin() + (traits.runtime_before_run ? 0 : 1), {"--runtime", *jail.sandbox});
  if (jail.terminal && !keeper) add_terminal(args, engine);
  // "=" and not a word of its own: podman's --pull may stand without a value.
  args.insert(args.end(), {"--pull=never", "--name", container_name(jail), "--hostname", "jailed"});
  if (!traits.no_proxies.empty()) args.emplace_back(traits.no_proxies);
  if (!jail.network) args.insert(args.end(), {"--network", "none"});
  if (const auto name = isolated_network(engine); jail.network && jail.isolated && !name.empty())
    args.insert(args.end(), {"--network", name});
  // The caller there has another uid than the jail's, which is the image's user.
  if (engine.rootless) {
    args.push_back(engine.reach.mounts ? "--userns=keep-id"
                                      : fmt::format("--userns=keep-id:uid={},gid={}", jail.identity.uid, jail.identity.gid));
  }
  args.insert(args.end(), {"--user", fmt::format("{}:{}", jail.identity.uid, jail.identity.gid),
                           "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"});
  if (jail.seccomp && !engine.reach.mounts && traits.profile_from_image) {
    args.emplace_back("--seccomp-policy=image");
  } else if (jail.seccomp) {
    args.insert(args.end(), {"--security-opt", "seccomp=" + *jail.seccomp});
  }
  for (const auto group : jail.groups) args.insert(args.end(), {"--group-add", std::to_string(group)});
  for (const auto& host : jail.hosts) args.insert(args.end(), {"--add-host", host});
  add_limits(args, engine.limits, jail.limits);
  add_process_limits(args, engine, jail.limits);
  add_log(args, engine, jail);
  for (const auto& mount : jail.tmpfs)
    args.insert(args.end(), {"--tmpfs", tmpfs_argument(mount, engine, jail.identity)});
  for (const auto& mount : jail.volumes) args.insert(args.end(), {"--mount", volume_argument(engine, mount)});
  add_binds(args, engine, jail.binds);
  args.insert(args.end(), {"--workdir", jail.role.empty() ? jail.place.workspace : "/tmp"});
  add_environment(args, jail);
  for (auto& label : jail_labels(engine, jail)) args.insert(args.end(), {"--label", std::move(label)});
  args.push_back(jail.image);
  const auto& words = keeper ? jail.keeper_command : jail.command;
  args.insert(args.end(), words.begin(), words.end());
  return command;
}

core::EngineCall remove_command(const Engine& engine, const std::string& container) {
  return {engine.program, {"rm", "--force", "--volumes", container}, {}};
}

core::EngineCall stop_command(const Engine& engine, const std::vector<std::string>& containers) {
  Args args = {"stop", "--time", "12"};
  args.insert(args.end(), containers.begin(), containers.end());
  return {engine.program, std::move(args), {}};
}

core::EngineCall find_session_command(const Engine& engine, const std::string& session_id) {
  return {engine.program, {"ps", "--all", "--quiet", "--filter", "label=jailed.session=" + session_id}, {}};
}

core::EngineCall image_exists_command(const Engine& engine, const std::string& image) {
  return {engine.program, {"image", "inspect", "--format", "{{.Id}}", image}, {}};
}

}  // namespace jailed::plan
