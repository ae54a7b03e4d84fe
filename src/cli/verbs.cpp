#include <algorithm>
#include <array>
#include <iostream>
#include <jailed/cli/parse.hpp>
#include <jailed/cli/print_completion.hpp>
#include <jailed/cli/print_tables.hpp>
#include <jailed/cli/verbs.hpp>
#include <jailed/commands/commands.hpp>
#include <jailed/core/version.hpp>

namespace jailed::cli {
namespace {

using core::Environment;
using core::Invocation;
using core::Settings;
using core::Verb;

constexpr std::string_view kWhichJail = "A name, its beginning, or a project [the one around this directory]";
constexpr std::array<Word, 2> kProjects = {
    {{.name = "PATH", .help = "Project directory, at its own path in the jail and at /workspace [.]"},
     {.name = "MORE", .help = "Further projects, each at /projects/NAME and, but with Mutagen, at its own path", .many = true}}};
constexpr std::array<Word, 1> kAgent = {{{.name = "AGENT", .help = "Its name, as jailed agents has it"}}};
constexpr std::array<Word, 1> kJail = {{{.name = "JAIL", .help = kWhichJail}}};
constexpr std::array<Word, 1> kSomeJails = {{{.name = "JAIL", .help = kWhichJail, .many = true}}};
constexpr std::array<Word, 1> kAttached = {
    {{.name = "JAIL", .help = "The jail [the one around this directory], and the project", .many = true}}};
constexpr std::array<Word, 1> kDetached = {
    {{.name = "JAIL", .help = "The jail [the one around this directory], and the project's name in it", .many = true}}};
constexpr std::array<std::string_view, 3> kShells = {"bash", "zsh", "fish"};
constexpr std::array<Word, 1> kShell = {{{.name = "SHELL", .help = "bash, zsh or fish", .choices = kShells}}};
constexpr std::array<std::string_view, 3> kGitActions = {"import", "log", "drop"};
constexpr std::array<Word, 2> kKept = {{{.name = "ACTION", .help = "import, log or drop", .choices = kGitActions},
                                        {.name = "SESSION", .help = "Which jail's, as log shows it"}}};

constexpr std::array<Word, 1> kHosts = {{{.name = "HOST", .help = "As in example.org, *.example.org or example.org:80", .many = true}}};
constexpr std::string_view kNetworkHelp =
    "What jails with --network restricted or observe may talk to, and what they did.\n\n"
    "  jailed network log [JAIL]       what was let through and refused\n"
    "  jailed network check HOST       whether it is allowed, and by which rule\n"
    "  jailed network allow HOST...    for this project (with --global for all), in running jails at once\n"
    "  jailed network deny HOST...     the opposite\n"
    "  jailed network suggest [JAIL]   the least that lets through what was used so far";

constexpr std::string_view kSyncHelp =
    "Jails whose project Mutagen keeps in step.\n\n"
    "  jailed sync status            every session in one line\n"
    "  jailed sync flush [JAIL]      copy what differs, now\n"
    "  jailed sync recover [JAIL]    bring the work of a killed jail home";

int print_version(const Invocation&, const Settings&, const Environment&) {
  std::cout << "jailed " << core::kVersion << "\n";
  return 0;
}

int print_help(const Invocation& invocation, const Settings&, const Environment&) {
  std::cout << help_text(invocation.word());
  return 0;
}

// clang-format off
constexpr VerbRow kVerbs[] = {
    {.verb = Verb::launch, .name = "", .usage = "", .summary = "",
     .help = "jailed: AI coding agents in a container that cannot hurt your machine.\n\n"
             "  cd my-project && jailed .           a shell in the jail, the project at /workspace\n"
             "  jailed claude                       an agent in the jail, that asks no questions there\n"
             "  jailed codex --prompt 'fix #7'      one that does this and ends\n"
             "  jailed web api                      two projects, the second one at /projects/api\n"
             "  jailed build                        build the image (once, about ten minutes)\n\n"
             "Agents in the image: {agents}",
     .words = kProjects, .takes_command = true, .run = commands::launch},
    {.verb = Verb::agent, .name = kAnyAgent, .usage = "[PATH] [-- ARG...]", .summary = "That agent in a jail, asking no questions: it is the sandbox",
     .help = "An agent in a jail, started at once and without questions, as the jail is its sandbox.\n\n"
             "  jailed claude\n"
             "  jailed codex --continue ../api\n"
             "  jailed codex --prompt 'why does make fail?'\n"
             "  git diff | jailed claude --prompt -\n"
             "  jailed claude -- --model sonnet          its own arguments\n\n"
             "AGENT is one of: {agents}",
     .words = kProjects, .takes_command = true, .run = commands::agent},
    {.verb = Verb::agents, .name = "agents", .usage = "", .summary = "Which agents are in the image, and which are logged in",
     .help = "The agents: which version the image has, and whether a jail would have a login or a key.\n\n"
             "  jailed agents\n  jailed agents --json",
     .run = commands::agents},
    {.verb = Verb::login, .name = "login", .usage = "AGENT", .summary = "Log an agent in, once for all jails",
     .help = "Log an agent in: its own program, in a jail around an empty directory. What it writes is there in all jails.\n\n"
             "  jailed login claude\n  jailed login codex --profile work",
     .words = kAgent, .run = commands::login},
    {.verb = Verb::doctor, .name = "doctor", .usage = "", .summary = "What a jail needs here, and what to do where it lacks something",
     .help = "Looks at the engine, the image, this directory and what else a jail needs, and says of each how it is and what would mend it.\n"
             "Exit status 0 only when a jail could start here.\n\n"
             "  jailed doctor\n  jailed doctor --json",
     .run = commands::doctor},
    {.verb = Verb::build, .name = "build", .usage = "", .summary = "Build the image",
     .help = "Build the image from the context inside jailed; no checkout is needed.\n\n"
             "  jailed build\n"
             "  jailed build --agents claude,codex --toolchains node,python",
     .run = commands::build},
    {.verb = Verb::list, .name = "ls", .usage = "", .summary = "List jails, and work that is not home yet",
     .help = "List jails, and volumes with work that is not home yet.\n\n  jailed ls\n  jailed ls --json",
     .run = commands::list},
    {.verb = Verb::shell, .name = "shell", .usage = "[JAIL]", .summary = "A shell in a running jail",
     .help = "A shell in a running jail.\n\n  jailed shell\n  jailed shell my-app",
     .words = kJail, .run = commands::shell},
    {.verb = Verb::exec, .name = "exec", .usage = "[JAIL] -- COMMAND", .summary = "A command in a running jail",
     .help = "A command in a running jail.\n\n  jailed exec -- git status\n  jailed exec my-app -- make",
     .words = kJail, .takes_command = true, .run = commands::exec},
    {.verb = Verb::logs, .name = "logs", .usage = "[-f] [JAIL]", .summary = "What a detached jail's command says",
     .help = "What the command of a detached jail has said.\n\n  jailed --detach . -- make test\n  jailed logs --follow",
     .words = kJail, .run = commands::logs},
    {.verb = Verb::stop, .name = "stop", .usage = "[JAIL...]", .summary = "End jails, their work brought home",
     .help = "End jails; what was done in them is brought home first.\n\n  jailed stop\n  jailed stop --all",
     .words = kSomeJails, .run = commands::stop},
    {.verb = Verb::attach, .name = "attach", .usage = "[JAIL] PATH", .summary = "A further project for a running jail",
     .help = "A further project for a running jail, at /projects/NAME.\n\n  jailed attach ../api\n  jailed attach my-app ../api",
     .words = kAttached, .run = commands::attach},
    {.verb = Verb::detach, .name = "detach", .usage = "[JAIL] NAME", .summary = "One project fewer for a running jail",
     .help = "One project fewer for a running jail.\n\n  jailed detach api\n  jailed detach my-app api",
     .words = kDetached, .run = commands::detach},
    {.verb = Verb::sync_status, .name = "sync status", .usage = "", .summary = "What Mutagen does",
     .help = kSyncHelp, .words = kSomeJails, .run = commands::sync_status},
    {.verb = Verb::sync_flush, .name = "sync flush", .usage = "[JAIL]", .summary = "Copy what differs, now",
     .help = kSyncHelp, .words = kSomeJails, .run = commands::sync_flush},
    {.verb = Verb::sync_recover, .name = "sync recover", .usage = "[JAIL]", .summary = "Bring a killed jail's work home",
     .help = kSyncHelp, .words = kSomeJails, .run = commands::sync_recover},
    {.verb = Verb::git, .name = "git", .usage = "import|log|drop", .summary = "Commits of jails that have not come home yet",
     .help = "Commits of jails that could not come home: after a crash, a kill, or a refusal.\n\n"
             "  jailed git log               what there is\n"
             "  jailed git import SESSION    bring them home (all, without SESSION)\n"
             "  jailed git drop SESSION      give them up",
     .words = kKept, .run = commands::git},
    {.verb = Verb::network_log, .name = "network log", .usage = "[-f] [JAIL]", .summary = "What a jail talked to, and what it was refused",
     .help = kNetworkHelp, .words = kJail, .run = commands::network_log},
    {.verb = Verb::network_check, .name = "network check", .usage = "HOST...", .summary = "Whether a jail may talk to a host",
     .help = kNetworkHelp, .words = kHosts, .run = commands::network_check},
    {.verb = Verb::network_allow, .name = "network allow", .usage = "HOST...", .summary = "Let jails of this project talk to a host",
     .help = kNetworkHelp, .words = kHosts, .run = commands::network_allow},
    {.verb = Verb::network_deny, .name = "network deny", .usage = "HOST...", .summary = "Never let them",
     .help = kNetworkHelp, .words = kHosts, .run = commands::network_deny},
    {.verb = Verb::network_suggest, .name = "network suggest", .usage = "[JAIL]", .summary = "The least that a jail needed so far",
     .help = kNetworkHelp, .words = kJail, .run = commands::network_suggest},
    {.verb = Verb::completion, .name = "completion", .usage = "SHELL", .summary = "Print the completion for bash, zsh or fish",
     .help = "Print the completion for a shell; an installed package has it in place.\n\n"
             "  eval \"$(jailed completion bash)\"            in ~/.bashrc\n"
             "  eval \"$(jailed completion zsh)\"             in ~/.zshrc, after compinit\n"
             "  jailed completion fish | source             in ~/.config/fish/config.fish",
     .words = kShell, .needs_settings = false, .run = print_completion},
    {.verb = Verb::version, .name = "version", .usage = "", .summary = "Print jailed's version",
     .help = "Print jailed's version.", .needs_settings = false, .run = print_version},
    {.verb = Verb::help, .name = "help", .usage = "[COMMAND]", .summary = "Print this, or a command's help",
     .help = "", .needs_settings = false, .run = print_help},
    {.verb = Verb::print_tables, .name = "print-tables", .usage = "", .summary = "",
     .help = "Settings, verbs and agents as JSON, for the pages that are made from them.", .needs_settings = false, .run = print_tables},
    {.verb = Verb::complete, .name = "complete", .usage = "", .summary = "",
     .help = "What may stand next on a command line, for the completions of shells.", .takes_command = true, .needs_settings = false, .run = print_candidates},
};
// clang-format on

}  // namespace

std::span<const VerbRow> verbs_table() { return kVerbs; }

const VerbRow& row_of(Verb verb) {
  return *std::find_if(std::begin(kVerbs), std::end(kVerbs), [&](const auto& row) { return row.verb == verb; });
}

}  // namespace jailed::cli
