#include <fmt/format.h>

#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/jail/mount.hpp>
#include <jailed/plan/project/project.hpp>

namespace jailed::plan {

using core::Error;
using core::printable;
using core::UsageError;

bool is_within(const std::string& path, const std::string& ancestor) {
  if (ancestor == "/" || path == ancestor) return true;
  return path.size() > ancestor.size() && path.starts_with(ancestor) && path[ancestor.size()] == '/';
}

bool is_system_directory(const std::string& path) {
  // With everything below.
  for (const auto* root :
       {"/bin",        "/boot",      "/dev",       "/etc",          "/lib",        "/lib32",
        "/lib64",      "/proc",      "/sbin",      "/sys",          "/usr/bin",    "/usr/sbin",
        "/usr/lib",    "/usr/lib32", "/usr/lib64", "/usr/libexec",  "/usr/share",  "/usr/include",
        "/var/lib",    "/var/log",   "/var/spool", "/var/cache",    "/var/run",    "/run",
        "/lost+found", "/System",    "/Library",   "/Applications", "/private/etc"}) {
    if (is_within(path, root) && !is_within(path, "/run/user") && !is_within(path, "/run/media")) return true;
  }
  // Alone: what is inside may be a project.
  for (const auto* place : {"/home", "/media", "/mnt", "/opt", "/run/user", "/run/media", "/srv", "/tmp",
                            "/usr", "/usr/local", "/usr/src", "/var", "/var/tmp", "/Users", "/Volumes",
                            "/private", "/private/tmp", "/private/var", "/private/var/folders"}) {
    if (path == place) return true;
  }
  return false;
}

std::string secret_store_at(const std::string& path, const std::string& home) {
  if (home.empty()) return {};
  for (const auto* store : {".ssh",
                            ".gnupg",
                            ".aws",
                            ".azure",
                            ".kube",
                            ".docker",
                            ".password-store",
                            ".mozilla",
                            ".thunderbird",
                            ".config/gcloud",
                            ".config/google-chrome",
                            ".config/chromium",
                            ".config/BraveSoftware",
                            ".config/1Password",
                            ".config/Bitwarden",
                            ".config/gh",
                            ".config/containers",
                            ".local/share/keyrings",
                            ".local/share/containers",
                            "snap/firefox",
                            ".var/app",
                            "Library/Keychains",
                            "Library/Application Support/Google",
                            "Library/Application Support/Firefox"}) {
    const auto place = home + "/" + store;
    if (is_within(path, place) || is_within(place, path)) return place;
  }
  return {};
}

void check_project(const ProjectFacts& facts, const std::set<core::Waiver>& allow) {
  static constexpr auto choose = "name a project directory: jailed path/to/project";
  static constexpr auto command = "if the jail's command was meant, it stands after --: jailed . -- COMMAND";
  const auto name = printable(facts.given);
  if (facts.path.empty()) throw UsageError(fmt::format("Cannot open '{}': {}.", name, facts.problem), facts.further ? command : choose);
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
  const auto refuse = [&](core::Waiver waiver, std::string_view name_of_it, const std::string& why) {
    if (allow.contains(waiver)) return;
    throw UsageError(fmt::format("Will not put '{}' into a jail: {}.", printable(facts.path), why),
                     fmt::format("{}\nor, if you mean it: --allow {}", choose, name_of_it));
  };
  if (is_system_directory(facts.path))
    refuse(core::Waiver::system_directory, "system-directory", "it belongs to the system, not to a project");
  if (const auto store = secret_store_at(facts.path, facts.home); !store.empty())
    refuse(core::Waiver::secret_store, "secret-store",
           fmt::format("secrets are kept in {}", printable(store)));
  if (facts.caller != 0 && facts.owner != facts.caller) {
    refuse(core::Waiver::foreign_project, "foreign-project",
           fmt::format("it belongs to uid {}, not to you (uid {})", facts.owner, facts.caller));
  }
  if (!facts.foreign_symlink.empty()) {
    refuse(core::Waiver::symlink, "symlink",
           fmt::format("the way there goes through {}, a symbolic link of somebody else's",
                       printable(facts.foreign_symlink)));
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
  if (!facts.foreign_symlink.empty()) {
    throw Error(
        fmt::format(
            "The way to the configuration directory {} goes through {}, a symbolic link of somebody else's.",
            name, printable(facts.foreign_symlink)),
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

void check_config_entry(const ConfigDirFacts& facts, bool secret) {
  if (!facts.exists) return;
  const auto name = printable(facts.path);
  if (facts.is_symlink) {
    throw Error(fmt::format("{} is a symbolic link; jailed keeps a directory there.", name),
                fmt::format("look where it leads, then: rm {}", core::shell_quote(facts.path)));
  }
  if (!facts.is_directory)
    throw Error(fmt::format("{} is not a directory.", name),
                fmt::format("rm {}", core::shell_quote(facts.path)));
  if (facts.owner != facts.caller) {
    throw Error(fmt::format("{} belongs to uid {}, not to you (uid {}).", name, facts.owner, facts.caller),
                "take it over with chown, or choose another configuration: JAILED_CONFIG_DIR=DIR");
  }
  if (secret && (facts.mode & 077) != 0) {
    throw Error(
        fmt::format("{} is open to others (mode {:04o}), and logins are kept there.", name,
                    facts.mode & 07777),
        fmt::format(
            "chmod 700 {}\nwhere that changes nothing, the file system keeps no modes: choose another "
            "place, JAILED_CONFIG_DIR=DIR",
            core::shell_quote(facts.path)));
  }
}

}  // namespace jailed::plan
