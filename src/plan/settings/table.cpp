#include <fmt/format.h>
#include <fmt/ranges.h>

#include <jailed/core/agent.hpp>
#include <jailed/plan/settings/parsers.hpp>
#include <jailed/plan/settings/table.hpp>
#include <vector>

namespace jailed::plan {
namespace {

using core::Named;
using core::Settings;
using core::Verb;
using core::Verbs;

// How a value gets to its member: alone, beside others, as a switch that is on or off.
template <auto Member, auto Parse>
void assign(Settings& settings, const Named& given) {
  settings.*Member = Parse(given);
}
template <auto Member, auto Parse>
void append(Settings& settings, const Named& given) {
  auto& values = settings.*Member;
  values.insert(values.end(), Parse(given));
}
template <auto Member>
constexpr auto on = assign<Member, switch_of>;
std::string text_of(const Named& given) { return given.value; }
Named named_of(const Named& given) { return given; }
bool off_of(const Named& given) { return !switch_of(given); }
// No refusal's name has what every host's has.
void allow(Settings& settings, const Named& given) {
  if (given.value.find_first_of(".:") == std::string::npos)
    append<&Settings::allow, waiver_of>(settings, given);
  else
    append<&Settings::allow_hosts, host_of>(settings, given);
}

constexpr Verbs kLaunch = {Verb::launch, Verb::agent};
constexpr Verbs kLogin = {Verb::login};
constexpr Verbs kLook = {Verb::agents, Verb::doctor};
constexpr Verbs kImage = {Verb::build};
constexpr Verbs kJails = {Verb::list,   Verb::shell,  Verb::exec,        Verb::logs,       Verb::stop,
                          Verb::attach, Verb::detach, Verb::sync_status, Verb::sync_flush, Verb::sync_recover,
                          Verb::network_log, Verb::network_check, Verb::network_allow, Verb::network_deny, Verb::network_suggest};
constexpr Verbs kGit = {Verb::git};

constexpr std::string_view kRuns = "What runs";
constexpr std::string_view kProject = "The project";
constexpr std::string_view kNetwork = "The network";
constexpr std::string_view kAgents = "Agents and their environment";
constexpr std::string_view kLimits = "Limits";
constexpr std::string_view kBuild = "The image";
constexpr std::string_view kCall = "This call";

using enum Takes;
using enum ByProject;

// A row is read in columns.
// clang-format off
constexpr Setting kTable[] = {
    {.name = "runtime", .placeholder = "ENGINE", .variable = "JAILED_RUNTIME", .group = kRuns,
     .help = "Container engine: docker, podman, or a path to one",
     .otherwise = "podman, then docker", .choices = "docker podman", .verbs = kLaunch | kImage | kJails | kGit | kLogin | kLook, .set = assign<&Settings::runtime, named_of>},
    {.name = "image", .placeholder = "IMAGE", .variable = "JAILED_IMAGE", .group = kRuns,
     .help = "Image to run or build",
     .standard = "jailed:latest", .verbs = kLaunch | kImage | kGit | kLogin | kLook, .by_project = ask, .set = assign<&Settings::image, image_of>},
    {.name = "user", .placeholder = "NAME", .variable = "JAILED_USER", .group = kRuns,
     .help = "Name of the user in the jail", .more = "`jailed build` makes the image for this one.",
     .standard = "coder", .verbs = kLaunch | kLogin, .by_project = ask, .set = assign<&Settings::user, user_of>},
    {.name = "sandbox", .placeholder = "RUNTIME", .variable = "JAILED_SANDBOX", .group = kRuns,
     .help = "OCI runtime that the engine knows: runc, crun, runsc (gVisor: a kernel of its own)",
     .otherwise = "the engine's", .choices = "runc crun runsc", .verbs = kLaunch | kLogin | Verbs{Verb::doctor}, .by_project = ask, .set = assign<&Settings::sandbox, sandbox_of>},
    {.name = "seccomp", .placeholder = "PROFILE", .variable = "JAILED_SECCOMP", .group = kRuns,
     .help = "Filter of system calls: jailed, or default (the engine's)",
     .standard = "jailed", .choices = "jailed default", .verbs = kLaunch | kLogin, .set = assign<&Settings::seccomp, seccomp_of>},
    {.name = "testcontainers", .takes = value_or_nothing, .placeholder = "HOW", .variable = "JAILED_TESTCONTAINERS", .group = kRuns,
     .help = "Hand the engine's socket to the jail: root on this machine. --testcontainers=proxy lets\n"
             "through only what Testcontainers needs",
     .more = "off, proxy or socket; the bare flag is socket.",
     .standard = "off", .choices = "off proxy socket", .verbs = kLaunch, .by_project = ask, .set = assign<&Settings::testcontainers, testcontainers_of>},

    {.name = "network", .placeholder = "MODE", .variable = "JAILED_NETWORK", .group = kNetwork,
     .help = "What the jail can talk to: open (everything), restricted (what is allowed), observe\n"
             "(everything, and it is written down), none",
     .more = "docs/network.md.",
     .standard = "open", .choices = "open restricted observe none", .verbs = kLaunch, .set = assign<&Settings::network, network_of>},
    {.name = "allow-set", .takes = values, .placeholder = "SET", .group = kNetwork,
     .help = "Hosts to allow by their purpose: an agent's name, packages, git, none; without it those\n"
             "that fit the command",
     .verbs = kLaunch, .set = append<&Settings::allow_sets, network_set_of>},
    {.name = "deny", .takes = values, .placeholder = "HOST", .group = kNetwork,
     .help = "A host not to allow, whatever else allows it; repeatable",
     .verbs = kLaunch, .set = append<&Settings::deny_hosts, host_of>},

    {.name = "sync", .placeholder = "STRATEGY", .variable = "JAILED_SYNC_STRATEGY", .group = kProject,
     .help = "How the project gets in: mutagen or bind",
     .otherwise = "mutagen when installed", .choices = "mutagen bind", .verbs = kLaunch | Verbs{Verb::doctor}, .by_project = yes, .set = assign<&Settings::sync, sync_of>},
    {.name = "git", .placeholder = "HOW", .variable = "JAILED_GIT", .group = kProject,
     .help = "The repository: shadow (a private copy, commits come home), rw, ro, none",
     .more = "rw is the repository itself: what the agent writes into .git, your git obeys. ro is its history to read.",
     .standard = "shadow", .choices = "shadow rw ro none", .verbs = kLaunch, .by_project = ask, .set = assign<&Settings::git, git_mode_of>},
    {.name = "allow", .takes = values, .placeholder = "WHAT", .group = kProject,
     .help = "Do what was refused, once: foreign-project, system-directory, secret-store, symlink; or\n"
             "let a restricted network reach HOST[:80], as in example.org or *.example.com",
     .choices = "foreign-project system-directory secret-store symlink", .verbs = kLaunch, .set = allow},
    {.name = "allow-edit", .takes = values, .placeholder = "GLOB", .variable = "JAILED_ALLOW_EDIT", .between = ':', .group = kProject,
     .help = "Let the jail change files that your tools run by themselves, such as .envrc; repeatable",
     .more = "Which files: docs/host-execution.md. In the variable colons stand between globs, as in .envrc:tools/**",
     .verbs = kLaunch, .by_project = ask, .set = append<&Settings::allow_edit, glob_of>},
    {.name = "report", .placeholder = "FORM", .variable = "JAILED_REPORT", .group = kProject,
     .help = "Form of the report on such files: text or json", .more = "json is one line on stderr.",
     .standard = "text", .choices = "text json", .verbs = kLaunch, .set = assign<&Settings::report, report_of>},

    {.name = "config-dir", .placeholder = "DIR", .variable = "JAILED_CONFIG_DIR", .group = kAgents,
     .help = "Where logins, settings and caches of all agents are, and sessions",
     .more = "$XDG_CONFIG_HOME/jailed, where that variable is set.",
     .otherwise = "~/.config/jailed", .verbs = kLaunch | kJails | kGit | kLogin | kLook, .set = assign<&Settings::config_dir, directory_of>},
    {.name = "profile", .placeholder = "NAME", .variable = "JAILED_PROFILE", .group = kAgents,
     .help = "Agents' logins and settings apart from those of other jails, under this name",
     .otherwise = "shared", .verbs = kLaunch | kLogin | kLook, .by_project = ask, .set = assign<&Settings::profile, profile_of>},
    {.name = "copy-logins", .takes = nothing, .group = kAgents,
     .help = "Keys and logins that the profile lacks are copied, but for those that can be in one place only",
     .verbs = kLaunch, .set = on<&Settings::copy_logins>},
    {.name = "cache", .placeholder = "WHOSE", .variable = "JAILED_CACHE", .group = kAgents,
     .help = "~/.cache: shared (all jails), project (this project's own), none", .more = "none is memory.",
     .standard = "shared", .choices = "shared project none", .verbs = kLaunch, .by_project = ask, .set = assign<&Settings::cache, cache_of>},
    {.name = "env", .letter = 'e', .takes = values, .placeholder = "NAME[=VALUE]", .group = kAgents,
     .help = "A variable for the jail: NAME (the value of your shell) or NAME=VALUE; repeatable",
     .verbs = kLaunch, .set = append<&Settings::env, env_entry_of>},
    {.name = "no-agent-env", .takes = nothing, .group = kAgents,
     .help = "Keep the agents' API keys of your environment out",
     .verbs = kLaunch | kLogin, .set = assign<&Settings::agent_env, off_of>},

    {.name = "prompt", .takes = value, .placeholder = "WORDS", .group = kAgents,
     .help = "The agent does this one thing and ends; - takes it from standard input",
     .verbs = {Verb::agent}, .set = assign<&Settings::prompt, prompt_of>},
    {.name = "continue", .takes = nothing, .group = kAgents,
     .help = "Go on with the agent's last talk in this project",
     .verbs = {Verb::agent}, .set = on<&Settings::resume>},
    {.name = "ask", .takes = nothing, .group = kAgents,
     .help = "Let the agent ask before it does something, as it does outside",
     .verbs = {Verb::agent}, .set = on<&Settings::ask>},

    {.name = "memory", .placeholder = "SIZE", .variable = "JAILED_MEMORY", .group = kLimits,
     .help = "Memory limit, swap included",
     .otherwise = "three quarters of the machine's", .verbs = kLaunch | Verbs{Verb::doctor}, .by_project = yes, .set = assign<&Settings::memory, parse_size>},
    {.name = "cpus", .placeholder = "N", .variable = "JAILED_CPUS", .group = kLimits,
     .help = "Limit of processors",
     .otherwise = "all", .verbs = kLaunch | Verbs{Verb::doctor}, .by_project = yes, .set = assign<&Settings::cpus, processors_of>},
    {.name = "pids", .placeholder = "N", .variable = "JAILED_PIDS", .group = kLimits,
     .help = "Limit of processes",
     .standard = "4096", .verbs = kLaunch, .by_project = yes, .set = assign<&Settings::pids, processes_of>},
    {.name = "files", .placeholder = "N", .variable = "JAILED_FILES", .group = kLimits,
     .help = "Limit of open files of one process",
     .standard = "65536", .verbs = kLaunch, .by_project = yes, .set = assign<&Settings::files, open_files_of>},
    {.name = "tmp-size", .placeholder = "SIZE", .variable = "JAILED_TMP_SIZE", .group = kLimits,
     .help = "Size of /tmp, in memory",
     .otherwise = "a quarter of the memory limit", .verbs = kLaunch, .by_project = yes, .set = assign<&Settings::tmp_size, parse_size>},
    {.name = "home-size", .placeholder = "SIZE", .variable = "JAILED_HOME_SIZE", .group = kLimits,
     .help = "Size of the home directory, in memory",
     .otherwise = "an eighth of it", .verbs = kLaunch, .by_project = yes, .set = assign<&Settings::home_size, parse_size>},
    {.name = "shm-size", .placeholder = "SIZE", .variable = "JAILED_SHM_SIZE", .group = kLimits,
     .help = "Size of /dev/shm",
     .otherwise = "a sixteenth of it", .verbs = kLaunch, .by_project = yes, .set = assign<&Settings::shm_size, parse_size>},

    {.name = "name", .placeholder = "USER", .group = kBuild,
     .help = "Name of the user in the image",
     .otherwise = "that of JAILED_USER, or coder", .verbs = kImage, .set = assign<&Settings::name, image_user_of>},
    {.name = "base", .placeholder = "IMAGE", .group = kBuild,
     .help = "Base image, a Debian",
     .standard = "debian:trixie-slim", .verbs = kImage, .set = assign<&Settings::base, base_of>},
    {.name = "agents", .placeholder = "LIST", .group = kBuild,
     .help = "Which of {agents}, or none",
     .otherwise = "all", .verbs = kImage, .set = assign<&Settings::agents, agents_of>},
    {.name = "toolchains", .placeholder = "LIST", .group = kBuild,
     .help = "Which of {toolchains}, or none",
     .otherwise = "all", .verbs = kImage, .set = assign<&Settings::toolchains, toolchains_of>},
    {.name = "ca-cert", .placeholder = "FILE", .group = kBuild,
     .help = "A PEM file that build and jail trust as well (company proxies)",
     .verbs = kImage, .set = assign<&Settings::ca_cert, text_of>},
    {.name = "update", .takes = nothing, .group = kBuild,
     .help = "Take the agents' newest versions instead of the locked ones",
     .verbs = kImage, .set = on<&Settings::update>},
    {.name = "no-cache", .takes = nothing, .group = kBuild,
     .help = "Build every step anew",
     .verbs = kImage, .set = on<&Settings::no_cache>},
    {.name = "pull", .takes = nothing, .group = kBuild,
     .help = "Ask for a newer base image",
     .verbs = kImage, .set = on<&Settings::pull>},

    {.name = "detach", .letter = 'd', .takes = nothing, .group = kCall,
     .help = "Leave the jail running; enter it with jailed shell",
     .verbs = kLaunch, .set = on<&Settings::detach>},
    {.name = "reuse", .takes = nothing, .group = kCall,
     .help = "Enter the jail that runs around this project, if there is one",
     .verbs = kLaunch, .set = on<&Settings::reuse>},
    {.name = "all", .takes = nothing, .group = kCall,
     .help = "Every jail of yours",
     .verbs = {Verb::stop}, .set = on<&Settings::all>},
    {.name = "follow", .letter = 'f', .takes = nothing, .group = kCall,
     .help = "Go on until the command ends",
     .verbs = {Verb::logs, Verb::network_log}, .set = on<&Settings::follow>},
    {.name = "json", .takes = nothing, .group = kCall,
     .help = "Print JSON",
     .verbs = kLook | Verbs{Verb::list, Verb::network_log}, .set = on<&Settings::json>},
    {.name = "global", .takes = nothing, .group = kCall,
     .help = "For all projects",
     .verbs = {Verb::network_allow, Verb::network_deny}, .set = on<&Settings::global>},
    {.name = "dry-run", .takes = nothing, .group = kCall,
     .help = "Print the engine's command line and do nothing",
     .verbs = kLaunch | kImage | kLogin | Verbs{Verb::shell, Verb::exec}, .set = on<&Settings::dry_run>},
    {.name = "quiet", .letter = 'q', .takes = nothing, .group = kCall,
     .help = "Say only what went wrong; ls: only names",
     .verbs = kLaunch | kImage | kJails | kGit | kLogin | kLook, .set = on<&Settings::quiet>},
    {.name = "verbose", .letter = 'v', .takes = nothing, .group = kCall,
     .help = "Say what is run, too",
     .verbs = kLaunch | kImage | kJails | kGit | kLogin | kLook, .set = on<&Settings::verbose>},
    {.name = "log-file", .placeholder = "FILE", .group = kCall,
     .help = "Write everything that jailed says there as well",
     .verbs = kLaunch | kImage | kGit | kLogin, .set = assign<&Settings::log_file, text_of>},
};
// clang-format on

std::string agents_list() {
  std::vector<std::string_view> names;
  for (const auto& agent : core::agents()) names.push_back(agent.name);
  return fmt::format("{}", fmt::join(names, ","));
}

}  // namespace

std::span<const Setting> settings_table() { return kTable; }

const Setting* find_setting(std::string_view name) {
  for (const auto& setting : kTable) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

std::string help_of(const Setting& setting) {
  std::string line(setting.help);
  const auto fill = [&](std::string_view mark, auto&& names) {
    if (const auto at = line.find(mark); at != std::string::npos) line.replace(at, mark.size(), names());
  };
  fill("{agents}", agents_list);
  fill("{toolchains}", [] { return fmt::format("{}", fmt::join(core::toolchains(), ",")); });
  return line;
}

std::string help_line(const Setting& setting) {
  auto line = help_of(setting);
  const auto standard = setting.standard.empty() ? setting.otherwise : setting.standard;
  return standard.empty() ? line : fmt::format("{} [{}]", line, standard);
}

std::string flag_names(const Setting& setting) {
  return setting.letter == '\0' ? fmt::format("--{}", setting.name) : fmt::format("-{},--{}", setting.letter, setting.name);
}

}  // namespace jailed::plan
