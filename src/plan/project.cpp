#include <fmt/format.h>

#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/mount.hpp>
#include <jailed/plan/project.hpp>

namespace jailed::plan {

using core::Error;
using core::printable;
using core::UsageError;

bool is_within(const std::string& path, const std::string& ancestor) {
  if (ancestor == "/" || path == ancestor) return true;
  return path.size() > ancestor.size() && path.starts_with(ancestor) && path[ancestor.size()] == '/';
}

void check_project(const ProjectFacts& facts) {
  static constexpr auto choose = "name a project directory: jailed path/to/project";
  const auto name = printable(facts.given);
  if (facts.path.empty()) throw UsageError(fmt::format("Cannot open '{}': {}.", name, facts.problem), choose);
  if (!facts.is_directory) throw UsageError(fmt::format("'{}' is not a directory.", name), choose);
  if (!facts.readable)
    throw UsageError(fmt::format("'{}' is not readable for you.", name),
                     "chmod u+rwx it, or " + std::string(choose));
  if (facts.path == "/") throw UsageError("Will not put '/' into a jail: it is the whole machine.", choose);
  if (!facts.home.empty() && is_within(facts.home, facts.path)) {
    throw UsageError(
        fmt::format("Will not put '{}' into a jail: it {} your home directory, with keys and logins.",
                    printable(facts.path), facts.path == facts.home ? "is" : "holds"),
        choose);
  }
  if (is_within(facts.config_dir, facts.path) || is_within(facts.path, facts.config_dir)) {
    throw UsageError(
        fmt::format(
            "Will not put '{}' into a jail: jailed's own configuration, with every agent's login, is in {}.",
            printable(facts.path), printable(facts.config_dir)),
        choose);
  }
  if (const auto reason = unmountable(facts.path); !reason.empty()) {
    throw UsageError(fmt::format("Cannot mount '{}': its name has {}, which container engines cannot take.",
                                 printable(facts.path), reason),
                     "rename the directory, or reach it by a bind mount with another name");
  }
}

void check_config_dir(const ConfigDirFacts& facts) {
  static constexpr auto other = "or choose another: JAILED_CONFIG_DIR=DIR";
  const auto name = printable(facts.path);
  if (const auto reason = unmountable(facts.path); !reason.empty()) {
    throw UsageError(fmt::format("Cannot use the configuration directory {}: its name has {}.", name, reason),
                     "choose another: JAILED_CONFIG_DIR=DIR");
  }
  if (!facts.exists) return;
  if (facts.is_symlink) {
    throw Error(fmt::format("The configuration directory {} is a symbolic link.", name),
                fmt::format("name the directory itself: JAILED_CONFIG_DIR=\"$(readlink -f {})\"",
                            core::shell_quote(facts.path)));
  }
  if (!facts.is_directory) {
    throw Error(fmt::format("The configuration directory {} is not a directory.", name),
                std::string("move it away, ") + other);
  }
  if (facts.owner != facts.caller) {
    throw Error(fmt::format("The configuration directory {} belongs to uid {}, not to you (uid {}).", name,
                            facts.owner, facts.caller),
                std::string("take it over with chown, ") + other);
  }
  if ((facts.mode & 022) != 0) {
    throw Error(fmt::format("The configuration directory {} is writable by others (mode {:04o}).", name,
                            facts.mode & 07777),
                fmt::format("chmod go-w {}, {}", core::shell_quote(facts.path), other));
  }
}

}  // namespace jailed::plan
