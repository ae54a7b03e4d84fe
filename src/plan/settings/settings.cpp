#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/settings/environment.hpp>
#include <jailed/plan/settings/settings.hpp>

namespace jailed::plan {
namespace {

using core::Named;
using core::UsageError;

constexpr std::string_view kLowerOrDigit = "abcdefghijklmnopqrstuvwxyz0123456789";

std::optional<Named> given(const std::optional<std::string>& flag, std::string_view flag_name,
                           const core::Environment& environment, const std::string& variable) {
  if (flag) return Named{*flag, std::string(flag_name)};
  if (auto value = environment.get(variable)) return Named{std::move(*value), variable};
  return std::nullopt;
}

UsageError bad_value(const Named& setting, std::string_view expected) {
  return UsageError(
      fmt::format("{}: '{}' is not {}.", setting.set_by, core::printable(setting.value), expected));
}

std::string config_directory(const std::optional<Named>& named, const core::Environment& environment) {
  if (named) {
    if (named->value.empty()) throw bad_value(*named, "a directory");
    return named->value;
  }
  if (const auto base = environment.get("XDG_CONFIG_HOME"); base && base->starts_with('/'))
    return *base + "/jailed";
  if (const auto home = environment.get("HOME")) return *home + "/.config/jailed";
  throw UsageError("HOME is not set, so there is no place for jailed's configuration.",
                   "name one: JAILED_CONFIG_DIR=DIR or --config-dir DIR");
}

core::Waiver waiver(const std::string& name) {
  if (name == "foreign-project") return core::Waiver::foreign_project;
  if (name == "system-directory") return core::Waiver::system_directory;
  if (name == "secret-store") return core::Waiver::secret_store;
  if (name == "symlink") return core::Waiver::symlink;
  throw bad_value({name, "--allow"}, "foreign-project, system-directory, secret-store or symlink");
}

// The flags, or a list in the variable with colons between, as PATH has them.
std::vector<std::string> edit_globs(const std::vector<std::string>& flags,
                                    const core::Environment& environment) {
  auto globs = flags;
  std::string_view set_by = "--allow-edit";
  if (const auto list = environment.get("JAILED_ALLOW_EDIT"); globs.empty() && list) {
    set_by = "JAILED_ALLOW_EDIT";
    for (std::string_view rest = *list; !rest.empty();) {
      const auto glob = rest.substr(0, rest.find(':'));
      rest.remove_prefix(std::min(rest.size(), glob.size() + 1));
      if (!glob.empty()) globs.emplace_back(glob);
    }
  }
  for (const auto& glob : globs) {
    if (glob.find_first_not_of('/') == std::string::npos || ("/" + glob + "/").find("/../") != std::string::npos)
      throw bad_value({glob, std::string(set_by)}, "a path below the project, such as .envrc or tools/**");
  }
  return globs;
}

struct Range {
  std::uint64_t least, most;
};

std::uint64_t count_of(std::string_view what, const Named& setting, Range range) {
  std::uint64_t number = 0;
  const auto* end = setting.value.data() + setting.value.size();
  const auto result = std::from_chars(setting.value.data(), end, number);
  if (result.ec != std::errc{} || result.ptr != end || number < range.least || number > range.most) {
    throw bad_value(setting, fmt::format("a number of {} from {} to {}", what, range.least, range.most));
  }
  return number;
}

std::string processors(const Named& setting) {
  double number = 0;
  const auto* end = setting.value.data() + setting.value.size();
  const auto result = std::from_chars(setting.value.data(), end, number);
  if (result.ec != std::errc{} || result.ptr != end || !(number >= 0.01) || number > 4096) {
    throw bad_value(setting, "a number of processors such as 2 or 1.5");
  }
  return setting.value;
}

core::GitMode git_mode(const Named& setting) {
  using core::GitMode;
  if (setting.value == "shadow") return GitMode::shadow;
  if (setting.value == "rw") return GitMode::rw;
  if (setting.value == "ro") return GitMode::ro;
  if (setting.value == "none") return GitMode::none;
  throw bad_value(setting, "a way to git: shadow, rw, ro or none");
}

core::Cache cache_mode(const Named& setting) {
  if (setting.value == "shared") return core::Cache::shared;
  if (setting.value == "project") return core::Cache::project;
  if (setting.value == "none") return core::Cache::none;
  throw bad_value(setting, "whose caches to use: shared, project or none");
}

core::Testcontainers testcontainers_mode(const Named& setting) {
  const auto is = [&](std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), setting.value) != words.end();
  };
  if (is({"socket", "1", "true", "yes", "on"})) return core::Testcontainers::socket;
  if (is({"proxy"})) return core::Testcontainers::proxy;
  if (is({"0", "false", "no", "off"})) return core::Testcontainers::off;
  throw bad_value(setting, "a way to the engine's socket: socket, proxy or off");
}

bool is_lower_or_digit(char c) { return kLowerOrDigit.find(c) != std::string_view::npos; }

// One component of a repository's path: lower-case words joined by '.', '_', '__' or dashes.
bool is_path_component(std::string_view part) {
  if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back())) return false;
  while (!part.empty()) {
    part.remove_prefix(std::min(part.find_first_not_of(kLowerOrDigit), part.size()));
    const auto separator = part.substr(0, part.find_first_of(kLowerOrDigit));
    part.remove_prefix(separator.size());
    const bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
  }
  return true;
}

// A registry never begins with a dash: it would be an option to the engine.
bool is_registry_host(std::string_view part) {
  return !part.empty() && part.front() != '-' &&
         part.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
             std::string_view::npos &&
         (part.find_first_of(".:") != std::string_view::npos || part == "localhost");
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 128 && tag.front() != '.' && tag.front() != '-' &&
         std::all_of(tag.begin(), tag.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
         });
}

bool is_digest(std::string_view digest) {
  const auto colon = digest.find(':');
  return colon != std::string_view::npos && colon > 0 && is_lower_or_digit(digest.front()) &&
         digest.substr(0, colon).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+._-") ==
             std::string_view::npos &&
         digest.size() - colon - 1 >= 32 &&
         digest.substr(colon + 1).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

bool is_image_reference(std::string_view text) {
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    if (!is_digest(text.substr(at + 1))) return false;
    text = text.substr(0, at);
  }
  if (const auto colon = text.rfind(':');
      colon != std::string_view::npos && text.find('/', colon) == std::string_view::npos) {
    if (!is_tag(text.substr(colon + 1))) return false;
    text = text.substr(0, colon);
  }
  if (text.size() > 255) return false;
  if (const auto slash = text.find('/');
      slash != std::string_view::npos && is_registry_host(text.substr(0, slash))) {
    text = text.substr(slash + 1);
  }
  while (true) {
    const auto slash = text.find('/');
    if (!is_path_component(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text = text.substr(slash + 1);
  }
}

bool is_user_name(std::string_view text) {
  if (text.empty() || text.size() > 32) return false;
  for (const auto taken : {"root", "nobody", "tty", "nogroup"}) {  // names in the jail's passwd and group
    if (text == taken) return false;
  }
  if (text.front() != '_' && std::islower(static_cast<unsigned char>(text.front())) == 0) return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

bool is_oci_runtime(std::string_view text) {
  if (text.starts_with('/')) text.remove_prefix(1);
  return !text.empty() && text.size() <= 255 && std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' || c == '/';
         });
}

bool on_host_kernel(const std::optional<core::Named>& sandbox) {
  if (!sandbox) return true;
  const std::string_view name = std::string_view(sandbox->value).substr(sandbox->value.rfind('/') + 1);
  return name == "runc" || name == "crun" || name == "youki" || name == "nvidia" || name == "io.containerd.runc.v2";
}

std::uint64_t parse_size(std::string_view text, std::string_view set_by) {
  const auto wrong = [&] {
    return bad_value({std::string(text), std::string(set_by)},
                     "a size such as 512m, 8g or 1.5g (at least 64m)");
  };
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc{} || !std::isfinite(number) || number <= 0) throw wrong();
  std::string unit(result.ptr, static_cast<std::size_t>(text.data() + text.size() - result.ptr));
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  static constexpr std::string_view units = "bkmgt";
  const auto power = unit.empty() ? 0 : units.find(unit.front());
  const auto rest = unit.empty() ? "" : unit.substr(1);  // m, mb, mib; but only b
  if (power == std::string_view::npos || (!rest.empty() && (power == 0 || (rest != "b" && rest != "ib"))))
    throw wrong();
  const double bytes = number * std::pow(1024.0, static_cast<double>(power));
  if (bytes < 64.0 * 1024 * 1024 || bytes > std::pow(2.0, 62)) throw wrong();
  return static_cast<std::uint64_t>(bytes);
}

core::Settings resolve_settings(const core::Options& options, const core::Environment& environment) {
  core::Settings settings;
  settings.runtime = given(options.runtime, "--runtime", environment, "JAILED_RUNTIME");
  if (const auto image = given(options.image, "--image", environment, "JAILED_IMAGE")) {
    if (!is_image_reference(image->value))
      throw bad_value(*image, "an image reference such as jailed:latest");
    settings.image = image->value;
  }
  if (const auto user = given(options.user, "--user", environment, "JAILED_USER")) {
    if (!is_user_name(user->value)) {
      throw bad_value(*user,
                      "a user name (a lower-case letter or _, then up to 31 of a-z 0-9 _ -; not root)");
    }
    settings.user = user->value;
  }
  settings.config_dir = config_directory(
      given(options.config_dir, "--config-dir", environment, "JAILED_CONFIG_DIR"), environment);
  if (const auto sync = given(options.sync, "--sync", environment, "JAILED_SYNC_STRATEGY")) {
    if (sync->value != "bind" && sync->value != "mutagen")
      throw bad_value(*sync, "a sync strategy: mutagen or bind");
    settings.sync = sync->value == "bind" ? core::Sync::bind : core::Sync::mutagen;
  }
  if (const auto git = given(options.git, "--git", environment, "JAILED_GIT")) settings.git = git_mode(*git);
  if (const auto memory = given(options.memory, "--memory", environment, "JAILED_MEMORY")) {
    settings.memory = parse_size(memory->value, memory->set_by);
  }
  if (const auto cpus = given(options.cpus, "--cpus", environment, "JAILED_CPUS"))
    settings.cpus = processors(*cpus);
  if (const auto pids = given(options.pids, "--pids", environment, "JAILED_PIDS"))
    settings.pids = count_of("processes", *pids, {16, 4194304});
  if (const auto files = given(options.files, "--files", environment, "JAILED_FILES"))
    settings.files = count_of("open files", *files, {64, 1048576});
  if (const auto size = given(options.tmp_size, "--tmp-size", environment, "JAILED_TMP_SIZE"))
    settings.tmp_size = parse_size(size->value, size->set_by);
  if (const auto size = given(options.home_size, "--home-size", environment, "JAILED_HOME_SIZE"))
    settings.home_size = parse_size(size->value, size->set_by);
  if (const auto size = given(options.shm_size, "--shm-size", environment, "JAILED_SHM_SIZE"))
    settings.shm_size = parse_size(size->value, size->set_by);
  if (const auto seccomp = given(options.seccomp, "--seccomp", environment, "JAILED_SECCOMP")) {
    if (seccomp->value != "jailed" && seccomp->value != "default")
      throw bad_value(*seccomp, "a filter of system calls: jailed or default");
    settings.seccomp = seccomp->value == "jailed" ? core::Seccomp::jailed : core::Seccomp::engine;
  }
  if (const auto profile = given(options.profile, "--profile", environment, "JAILED_PROFILE")) {
    if (!is_profile_name(profile->value))
      throw bad_value(*profile, "a profile's name (letters, digits, '.', '_' and '-', up to 64)");
    settings.profile = profile->value;
  }
  settings.copy_logins = options.copy_logins;
  if (settings.copy_logins && settings.profile.empty())
    throw UsageError("--copy-logins: there is no profile to copy them to.", "name one: --profile NAME");
  if (const auto cache = given(options.cache, "--cache", environment, "JAILED_CACHE")) settings.cache = cache_mode(*cache);
  if (auto sandbox = given(options.sandbox, "--sandbox", environment, "JAILED_SANDBOX")) {
    if (!is_oci_runtime(sandbox->value))
      throw bad_value(*sandbox, "an OCI runtime's name such as runc, crun or runsc");
    settings.sandbox = std::move(*sandbox);
  }
  for (const auto& entry : options.env) {
    if (!is_env_entry(entry))
      throw bad_value({entry.substr(0, entry.find('=')), "--env"}, "NAME or NAME=VALUE");
  }
  for (const auto& name : options.allow) settings.allow.insert(waiver(name));
  settings.allow_edit = edit_globs(options.allow_edit, environment);
  if (const auto report = given(options.report, "--report", environment, "JAILED_REPORT")) {
    if (report->value != "text" && report->value != "json")
      throw bad_value(*report, "a form of the report: text or json");
    settings.report = report->value == "json" ? core::Report::json : core::Report::text;
  }
  settings.env = options.env;
  settings.agent_env = !options.no_agent_env;
  if (const auto mode =
          given(options.testcontainers, "--testcontainers", environment, "JAILED_TESTCONTAINERS"))
    settings.testcontainers = testcontainers_mode(*mode);
  return settings;
}

}  // namespace jailed::plan
