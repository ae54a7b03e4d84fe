#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <jailed/cli/nearest.hpp>
#include <jailed/cli/parse.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <memory>

namespace jailed::cli {
namespace {

using Words = std::vector<std::string>;
using Verb = Invocation::Verb;

const Words kCommands = {"build", "ls", "stop", "shell", "exec", "logs", "attach", "detach", "sync", "git", "version", "help"};

constexpr const char* kOverview =
    "jailed: AI coding agents in a container that cannot hurt your machine.\n\n"
    "  cd my-project && jailed .           a shell in the jail, the project at /workspace\n"
    "  jailed . -- claude                  an agent in the jail\n"
    "  jailed web api                      two projects, the second one at /projects/api\n"
    "  jailed build                        build the image (once, about ten minutes)\n\n"
    "Agents in the image: claude opencode aider kimi gemini codex copilot";

constexpr const char* kCommandList =
    "Commands:\n"
    "  build                       Build the image\n"
    "  ls                          List jails, and work that is not home yet\n"
    "  shell [JAIL]                A shell in a running jail\n"
    "  exec [JAIL] -- COMMAND      A command in a running jail\n"
    "  logs [-f] [JAIL]            What a detached jail's command says\n"
    "  stop [JAIL...]              End jails, their work brought home\n"
    "  attach [JAIL] PATH          A further project for a running jail; detach [JAIL] NAME: one fewer\n"
    "  sync status|flush|recover   What Mutagen does; copy now; bring a killed jail's work home\n"
    "  git import|log|drop         Commits of jails that have not come home yet\n"
    "  version                     Print jailed's version\n"
    "  help [COMMAND]              Print this, or a command's help\n\n"
    "Every option has a variable: see .env.example. Exit status: the command's own; 2 wrong usage;\n"
    "125 jailed or the engine failed, or work is not home yet; 126 not runnable; 127 not found; 128+n ended by signal n.";

constexpr const char* kBuildOverview =
    "Build the image from the context inside jailed; no checkout is needed.\n\n"
    "  jailed build\n"
    "  jailed build --agents claude,codex --toolchains node,python";

constexpr const char* kWhichJail = "A name, its beginning, or a project [the one around this directory]";
constexpr const char* kGitOverview =
    "Commits of jails that could not come home: after a crash, a kill, or a refusal.\n\n"
    "  jailed git log               what there is\n"
    "  jailed git import SESSION    bring them home (all, without SESSION)\n"
    "  jailed git drop SESSION      give them up";

void add_common_options(CLI::App& app, core::Options& options) {
  app.add_option("--runtime", options.runtime,
                 "Container engine: docker, podman, or a path to one [podman, then docker]")
      ->type_name("ENGINE");
  app.add_option("--image", options.image, "Image to run or build [jailed:latest]")->type_name("IMAGE");
  app.add_flag("-q,--quiet", options.quiet, "Say only what went wrong");
  app.add_flag("-v,--verbose", options.verbose, "Say what is run, too");
  app.add_option("--log-file", options.log_file, "Write everything that jailed says there as well")
      ->type_name("FILE");
  app.add_flag("--dry-run", options.dry_run, "Print the engine's command line and do nothing");
}

void add_launch_options(CLI::App& app, core::Options& options) {
  app.add_option("PATH", options.path, "Project directory, at its own path in the jail and at /workspace [.]")->type_name("");
  app.add_option("MORE", options.further, "Further projects, each at /projects/NAME and, but with Mutagen, at its own path")->type_name("");
  add_common_options(app, options);
  app.add_option("--user", options.user, "Name of the user in the jail [coder]")->type_name("NAME");
  app.add_option("--config-dir", options.config_dir,
                 "Logins, settings and caches of all agents [~/.config/jailed]")
      ->type_name("DIR");
  app.add_option("--sync", options.sync, "How the project gets in: mutagen or bind [mutagen when installed]")
      ->type_name("STRATEGY");
  app.add_option("--git", options.git,
                 "The repository: shadow (a private copy, commits come home), rw, ro, none [shadow]")
      ->type_name("HOW");
  app.add_option("-e,--env", options.env,
                 "A variable for the jail: NAME (the value of your shell) or NAME=VALUE; repeatable")
      ->type_name("NAME[=VALUE]")
      ->allow_extra_args(false);
  app.add_flag("--no-agent-env", options.no_agent_env, "Keep the agents' API keys of your environment out");
  app.add_flag("-d,--detach", options.detach, "Leave the jail running; enter it with jailed shell");
  app.add_flag("--reuse", options.reuse, "Enter the jail that runs around this project, if there is one");
  app.add_option("--memory", options.memory, "Memory limit, swap included [three quarters of the machine's]")
      ->type_name("SIZE");
  app.add_option("--cpus", options.cpus, "Limit of processors [all]")->type_name("N");
  app.add_option("--pids", options.pids, "Limit of processes [4096]")->type_name("N");
  app.add_option("--files", options.files, "Limit of open files of one process [65536]")->type_name("N");
  app.add_option("--tmp-size", options.tmp_size, "Size of /tmp, in memory [a quarter of the memory limit]")
      ->type_name("SIZE");
  app.add_option("--home-size", options.home_size, "Size of the home directory, in memory [an eighth]")
      ->type_name("SIZE");
  app.add_option("--shm-size", options.shm_size, "Size of /dev/shm [a sixteenth]")->type_name("SIZE");
  app.add_option("--allow", options.allow,
                 "Do what was refused, once: foreign-project, system-directory, secret-store, symlink")
      ->type_name("REFUSAL")
      ->allow_extra_args(false);
  app.add_option("--allow-edit", options.allow_edit,
                 "Let the jail change files that your tools run by themselves, such as .envrc; repeatable")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  app.add_option("--report", options.report, "Form of the report on such files: text or json [text]")
      ->type_name("FORM");
  app.add_option("--seccomp", options.seccomp,
                 "Filter of system calls: jailed, or default (the engine's) [jailed]")
      ->type_name("PROFILE");
  app.add_option("--profile", options.profile,
                 "Agents' logins and settings apart from those of other jails, under this name [shared]")
      ->type_name("NAME");
  app.add_flag("--copy-logins", options.copy_logins, "Keys and logins that the profile lacks are copied, but for those that can be in one place only");
  app.add_option("--cache", options.cache, "~/.cache: shared (all jails), project (this project's own), none [shared]")
      ->type_name("WHOSE");
  app.add_option("--sandbox", options.sandbox,
                 "OCI runtime that the engine knows: runc, crun, runsc (gVisor: a kernel of its own) [the engine's]")
      ->type_name("RUNTIME");
  app.add_flag("--testcontainers", options.testcontainers,
               "Hand the engine's socket to the jail: root on this machine. --testcontainers=proxy lets\n"
               "through only what Testcontainers needs");
}

void add_engine_options(CLI::App& app, core::Options& options) {
  app.add_option("--runtime", options.runtime,
                 "Container engine: docker, podman, or a path to one [podman, then docker]")
      ->type_name("ENGINE");
  app.add_option("--config-dir", options.config_dir, "Where sessions are [~/.config/jailed]")
      ->type_name("DIR");
  app.add_flag("-q,--quiet", options.quiet, "Say only what went wrong; ls: only names");
  app.add_flag("-v,--verbose", options.verbose, "Say what is run, too");
}

void add_build_options(CLI::App& app, core::Options& options, plan::BuildOptions& build) {
  add_common_options(app, options);
  app.add_option("--name", build.name, "Name of the user in the image [coder]")->type_name("USER");
  app.add_option("--base", build.base, "Base image, a Debian [debian:trixie-slim]")->type_name("IMAGE");
  app.add_option("--agents", build.agents, "Which agents, comma-separated, or none [all seven]")
      ->type_name("LIST");
  app.add_option("--toolchains", build.toolchains, "Which of rust,node,python,go, or none [all]")
      ->type_name("LIST");
  app.add_option("--ca-cert", build.ca_cert, "A PEM file that build and jail trust as well (company proxies)")
      ->type_name("FILE");
  app.add_flag("--update", build.update, "Take the agents' newest versions instead of the locked ones");
  app.add_flag("--no-cache", build.no_cache, "Build every step anew");
  app.add_flag("--pull", build.pull, "Ask for a newer base image");
}

void add_git_options(CLI::App& app, core::Options& options, commands::GitRequest& git) {
  app.add_option("ACTION", git.action, "import, log or drop")
      ->type_name("")
      ->required()
      ->check(CLI::IsMember({"import", "log", "drop"}));
  app.add_option("SESSION", git.session, "Which jail's, as log shows it")->type_name("");
  add_common_options(app, options);
  app.add_option("--config-dir", options.config_dir, "Where jailed keeps its things [~/.config/jailed]")
      ->type_name("DIR");
}

std::unique_ptr<CLI::App> new_app(const std::string& overview, const std::string& name) {
  auto app = std::make_unique<CLI::App>(overview, name);
  app->allow_extras();
  app->get_formatter()->column_width(28);
  app->get_formatter()->label("TEXT", "");
  app->set_help_flag("-h,--help", "Print this help");
  return app;
}

// An app and the place that it parses into, for one command.
struct Parser {
  Invocation invocation;
  bool wants_version = false;
  std::unique_ptr<CLI::App> app;
};

std::unique_ptr<Parser> parser_for(Verb verb) {
  auto parser = std::make_unique<Parser>();
  parser->invocation.verb = verb;
  auto& options = parser->invocation.options;
  if (verb == Verb::build) {
    parser->app = new_app(kBuildOverview, "jailed build");
    add_build_options(*parser->app, options, parser->invocation.build);
  } else if (verb == Verb::list) {
    parser->app =
        new_app("List jails, and volumes with work that is not home yet.\n\n  jailed ls\n  jailed ls --json",
                "jailed ls");
    add_engine_options(*parser->app, options);
    parser->app->add_flag("--json", options.json, "Print JSON");
  } else if (verb == Verb::shell || verb == Verb::exec) {
    const bool shell = verb == Verb::shell;
    parser->app = new_app(shell ? "A shell in a running jail.\n\n  jailed shell\n  jailed shell my-app"
                                : "A command in a running jail.\n\n  jailed exec -- git status\n"
                                  "  jailed exec my-app -- make",
                          shell ? "jailed shell" : "jailed exec");
    parser->app->add_option("JAIL", options.path, kWhichJail)->type_name("");
    add_engine_options(*parser->app, options);
    parser->app->add_flag("--dry-run", options.dry_run, "Print the engine's command line and do nothing");
  } else if (verb == Verb::logs) {
    parser->app = new_app(
        "What the command of a detached jail has said.\n\n  jailed --detach . -- make test\n"
        "  jailed logs --follow",
        "jailed logs");
    parser->app->add_option("JAIL", options.path, kWhichJail)->type_name("");
    parser->app->add_flag("-f,--follow", options.follow, "Go on until the command ends");
    add_engine_options(*parser->app, options);
  } else if (verb == Verb::stop) {
    parser->app = new_app(
        "End jails; what was done in them is brought home first.\n\n  jailed stop\n"
        "  jailed stop --all",
        "jailed stop");
    parser->app->add_option("JAIL", options.jails, kWhichJail)->type_name("");
    add_engine_options(*parser->app, options);
    parser->app->add_flag("--all", options.all, "Every jail of yours");
  } else if (verb == Verb::attach || verb == Verb::detach) {
    const bool attach = verb == Verb::attach;
    parser->app = new_app(
        attach ? "A further project for a running jail, at /projects/NAME.\n\n  jailed attach ../api\n  jailed attach my-app ../api"
               : "One project fewer for a running jail.\n\n  jailed detach api\n  jailed detach my-app api",
        attach ? "jailed attach" : "jailed detach");
    parser->app->add_option("JAIL", options.jails, attach ? "The jail [the one around this directory], and the project"
                                                          : "The jail [the one around this directory], and the project's name in it")
        ->type_name("");
    add_engine_options(*parser->app, options);
  } else if (verb == Verb::sync_status || verb == Verb::sync_flush || verb == Verb::sync_recover) {
    parser->app = new_app(
        "Jails whose project Mutagen keeps in step.\n\n"
        "  jailed sync status            every session in one line\n"
        "  jailed sync flush [JAIL]      copy what differs, now\n"
        "  jailed sync recover [JAIL]    bring the work of a killed jail home",
        "jailed sync");
    parser->app->add_option("JAIL", options.jails, kWhichJail)->type_name("");
    add_engine_options(*parser->app, options);
  } else if (verb == Verb::git) {
    parser->app = new_app(kGitOverview, "jailed git");
    add_git_options(*parser->app, options, parser->invocation.git);
  } else if (verb == Verb::version) {
    parser->app = new_app("Print jailed's version.", "jailed version");
  } else {
    parser->app = new_app(kOverview, "jailed");
    parser->app->footer(kCommandList);
    add_launch_options(*parser->app, options);
    parser->app->add_flag("-V,--version", parser->wants_version, "Print jailed's version");
  }
  return parser;
}

Words option_names(const CLI::App& app) {
  Words names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

[[noreturn]] void refuse(const CLI::App& app, const Words& extras) {
  for (const auto& word : extras) {
    if (!word.starts_with('-')) continue;
    const auto name = word.substr(0, word.find('='));
    const auto meant = nearest(name, option_names(app));
    throw core::UsageError(
        fmt::format("Unknown option '{}'.", core::printable(name)),
        meant ? fmt::format("did you mean {}?", *meant) : fmt::format("see: {} --help", app.get_name()));
  }
  const bool launch = app.get_name() == "jailed";
  throw core::UsageError(fmt::format("One argument too many: '{}'.", core::printable(extras.front())),
                         launch ? "a command for the jail stands after --: jailed . -- COMMAND"
                                : fmt::format("see: {} --help", app.get_name()));
}

void parse_words(Parser& parser, Words words) {
  std::reverse(words.begin(), words.end());  // CLI11 takes its vector from the back
  try {
    parser.app->parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    parser.invocation.help = parser.app->help();
    parser.invocation.verb = Verb::help;
    return;
  } catch (const CLI::ParseError& error) {
    throw core::UsageError(core::printable(error.what()),
                           fmt::format("see: {} --help", parser.app->get_name()));
  }
  if (const auto extras = parser.app->remaining(); !extras.empty()) refuse(*parser.app, extras);
}

Verb verb_named(const std::string& word) {
  if (word == "build") return Verb::build;
  if (word == "ls") return Verb::list;
  if (word == "stop") return Verb::stop;
  if (word == "shell") return Verb::shell;
  if (word == "exec") return Verb::exec;
  if (word == "logs") return Verb::logs;
  if (word == "attach") return Verb::attach;
  if (word == "detach") return Verb::detach;
  if (word == "sync") return Verb::sync_status;
  if (word == "git") return Verb::git;
  if (word == "version") return Verb::version;
  if (word == "help") return Verb::help;
  return Verb::launch;
}

// The second word of `jailed sync`.
Verb sync_verb(Words& words) {
  if (words.empty() || words.front().starts_with("-")) return Verb::sync_status;
  const auto word = words.front();
  words.erase(words.begin());
  if (word == "status") return Verb::sync_status;
  if (word == "flush") return Verb::sync_flush;
  if (word == "recover") return Verb::sync_recover;
  throw core::UsageError(fmt::format("jailed sync cannot '{}'.", core::printable(word)),
                         "it knows: status, flush, recover");
}

Invocation help_invocation(const Words& words) {
  Verb verb = Verb::launch;
  if (!words.empty()) {
    verb = verb_named(words.front());
    if (verb == Verb::launch && words.front() != "--help" && words.front() != "-h") {
      const auto meant = nearest(words.front(), kCommands);
      throw core::UsageError(fmt::format("No command '{}'.", core::printable(words.front())),
                             meant ? fmt::format("did you mean {}?", *meant) : "see: jailed help");
    }
  }
  Invocation invocation;
  invocation.verb = Verb::help;
  invocation.help = parser_for(verb)->app->help();
  return invocation;
}

}  // namespace

Invocation parse(std::vector<std::string> arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  Words command;
  const bool has_command = dashes != arguments.end();
  if (has_command) command.assign(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());

  auto verb = arguments.empty() ? Verb::launch : verb_named(arguments.front());
  if (verb != Verb::launch) arguments.erase(arguments.begin());
  if (verb == Verb::help) return help_invocation(arguments);
  if (verb == Verb::sync_status) verb = sync_verb(arguments);
  if (verb != Verb::launch && verb != Verb::exec && has_command) {
    throw core::UsageError("Only a jail takes a command after --.", "jailed [PATH] -- COMMAND");
  }
  auto parser = parser_for(verb);
  parse_words(*parser, std::move(arguments));
  auto& invocation = parser->invocation;
  invocation.options.command = std::move(command);
  if (parser->wants_version && invocation.verb == Verb::launch) invocation.verb = Verb::version;
  if (invocation.verb == Verb::launch && invocation.options.path)
    invocation.meant = nearest(*invocation.options.path, kCommands);
  return std::move(invocation);
}

}  // namespace jailed::cli
