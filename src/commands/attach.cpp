#include <fmt/format.h>

#include <algorithm>
#include <jailed/commands/commands.hpp>
#include <jailed/commands/found_jails.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/files.hpp>

namespace jailed::commands {
namespace {

using core::Environment;
using core::Options;
using plan::FoundJail;

// `jailed attach [JAIL] PATH`: the jail is the last but one word.
struct Words {
  std::string jail;
  std::string subject;
};

Words words_of(const Options& options, const std::string& verb, const std::string& subject) {
  const auto& words = options.jails;
  if (words.empty()) throw core::UsageError(fmt::format("Which project shall {}?", subject), fmt::format("jailed {} [JAIL] {}", verb, verb == "attach" ? "PATH" : "NAME"));
  if (words.size() > 2) throw core::UsageError(fmt::format("One argument too many: '{}'.", core::printable(words[2])), fmt::format("see: jailed {} --help", verb));
  return words.size() == 1 ? Words{{}, words[0]} : Words{words[0], words[1]};
}

FoundJail jail_meant(const Options& options, const Environment& environment, const std::string& word) {
  auto found = about(options, environment);
  if (auto noted = choose_noted(found, word)) return *noted;
  ask_engine(found, environment);
  return choose(running(found), word);
}

// What ends the jail and starts it again around these.
std::string restart(const FoundJail& jail, const std::vector<std::string>& projects) {
  auto line = fmt::format("jailed stop {} && jailed", jail.name);
  if (jail.detached) line += " --detach";
  for (const auto& project : projects) line += fmt::format(" {}", core::shell_quote(project));
  return line;
}

[[noreturn]] void refuse(const FoundJail& jail, const std::string& what, const std::vector<std::string>& projects) {
  throw core::Error(fmt::format("{} has its projects mounted directly, and no engine {} a running container.", jail.name, what),
                    fmt::format("end it and start it again: {}", restart(jail, projects)));
}

}  // namespace

int attach(const Options& options, const Environment& environment) {
  const auto words = words_of(options, "attach", "be attached");
  std::string reason;
  const auto path = host::canonical(words.subject, reason);
  if (path.empty())
    throw core::UsageError(fmt::format("Cannot open '{}': {}.", core::printable(words.subject), reason), "jailed attach [JAIL] PATH");
  const auto jail = jail_meant(options, environment, words.jail);
  auto projects = plan::projects_of(jail);
  if (std::find(projects.begin(), projects.end(), path) != projects.end())
    throw core::UsageError(fmt::format("'{}' is in {} already.", core::printable(path), jail.name), "see: jailed ls");
  projects.push_back(path);
  refuse(jail, "adds a mount to", projects);
}

int detach(const Options& options, const Environment& environment) {
  const auto words = words_of(options, "detach", "be detached");
  const auto jail = jail_meant(options, environment, words.jail);
  std::string reason;
  const auto path = host::canonical(words.subject, reason);
  auto projects = plan::projects_of(jail);
  const auto found = std::find_if(jail.further.begin(), jail.further.end(),
                                  [&](const auto& project) { return project.name == words.subject || project.path == path; });
  if (found == jail.further.end()) {
    std::string names;
    for (const auto& project : jail.further) names += fmt::format("{} ", project.name);
    throw core::UsageError(
        fmt::format("{} has no further project '{}'.", jail.name, core::printable(words.subject)),
        names.empty() ? fmt::format("it has only one; to end it: jailed stop {}", jail.name) : fmt::format("it has: {}", names.substr(0, names.size() - 1)));
  }
  std::erase(projects, found->path);
  refuse(jail, "takes a mount from", projects);
}

}  // namespace jailed::commands
