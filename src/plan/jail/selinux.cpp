#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <jailed/plan/jail/selinux.hpp>
#include <jailed/plan/project/project.hpp>

namespace jailed::plan {
namespace {

bool is_engine_socket(const BindMount& mount) { return mount.target == "/var/run/docker.sock"; }

// The system's own files keep their label, even if something leads a mount there; /run/jailed is where root's
// idmapped views of what was checked before are.
bool may_relabel(const std::string& source) {
  return is_within(source, "/run/jailed") || !is_system_directory(source);
}

}  // namespace

void add_binds(std::vector<std::string>& args, const Engine& engine, const std::vector<BindMount>& binds) {
  const bool mounts = traits_of(engine).run.relabels_mounts;
  const bool no_labels = engine.selinux && std::any_of(binds.begin(), binds.end(), is_engine_socket);
  if (no_labels) args.insert(args.end(), {"--security-opt", "label=disable"});
  for (const auto& mount : binds) {
    const bool relabel = engine.selinux && !no_labels && may_relabel(mount.source);
    if (relabel && !mounts) {
      args.insert(args.end(), {"--volume", fmt::format("{}:{}:{}z", mount.source, mount.target,
                                                       mount.read_only ? "ro," : "")});
      continue;
    }
    std::vector<std::string> fields = {"type=bind", "source=" + mount.source, "target=" + mount.target};
    if (mount.read_only) fields.emplace_back("readonly");
    if (relabel) fields.emplace_back("relabel=shared");
    args.insert(args.end(), {"--mount", csv_record(fields)});
  }
}

void check_label(const Engine& engine, const std::string& path, const std::string& home) {
  if (!engine.selinux) return;
  const bool holds_home = !home.empty() && is_within(home, path);
  if (holds_home || path == "/" || path == "/root" || is_system_directory(path) ||
      !secret_store_at(path, home).empty()) {
    throw core::UsageError(fmt::format("SELinux is enforcing here: what is in a jail gets a container's "
                                       "label, and '{}' must keep its own.",
                                       core::printable(path)),
                           "name a project directory that is nothing else: jailed path/to/project");
  }
  if (!traits_of(engine).run.relabels_mounts && path.find(':') != std::string::npos) {
    throw core::UsageError(
        fmt::format("SELinux is enforcing here, and {} cannot relabel '{}': its name has a colon.",
                    traits_of(engine).title, core::printable(path)),
        "rename the directory, or use podman, which can: jailed --runtime podman");
  }
}

}  // namespace jailed::plan
