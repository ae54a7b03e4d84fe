#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iostream>
#include <jailed/core/command.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/git/branches.hpp>
#include <jailed/work/git/branches.hpp>
#include <jailed/work/git/look.hpp>
#include <jailed/work/git/state.hpp>

namespace jailed::work {
namespace {

using plan::Arrival;
using plan::GitRefs;

constexpr std::size_t kMostShown = 25;
constexpr std::string_view kBranches = "refs/heads/";

// Of all refs; the value of a symbolic one is what it leads to.
GitRefs refs_here(const HostGit& git) {
  GitRefs refs;
  const auto answer = git.run({"for-each-ref", "--format=%(objectname) %(refname)"});
  for (const auto line : core::lines(answer.out)) {
    const auto space = line.find(' ');
    if (space != std::string_view::npos) refs.emplace(line.substr(space + 1), line.substr(0, space));
  }
  return refs;
}

std::string names_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 8;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > most ? fmt::format("{} and {} more", text, names.size() - most) : text;
}

// How to take a ref of this name in the jail.
std::string way_to_take(const std::string& from, const std::string& ref) {
  if (from == "staged" || from.starts_with("stash/")) return "git show " + ref;
  if (from.starts_with("tags/")) {
    const auto name = from.substr(5);
    return fmt::format("git tag {} {}", plan::is_own_branch_name(name) ? name : "NAME", ref);
  }
  return "git merge " + ref;
}

std::string what_is(const std::string& from) {
  if (from == "staged") return "changes staged in the jail";
  if (from.starts_with("stash/")) return "a stash";
  return from.starts_with("tags/") ? "a tag" : "commits";
}

// heads/x, staged: as the name goes on after refs/jailed/<id>/.
std::string kind_of(const std::string& ref) {
  std::size_t at = 0;
  for (int i = 0; i < 3 && at != std::string::npos; ++i) at = ref.find('/', at + (i == 0 ? 0 : 1));
  return at == std::string::npos ? std::string{} : ref.substr(at + 1);
}

}  // namespace

std::set<std::string> checked_out(const HostGit& git) {
  std::set<std::string> branches;
  const auto trees = git.run({"worktree", "list", "--porcelain"}).out;
  for (const auto line : core::lines(trees)) {
    if (line.starts_with("branch ")) branches.emplace(line.substr(7));
  }
  return branches;
}

void take_branches(const HostGit& git, const std::vector<Arrival>& arrivals, const GitRefs& known) {
  const auto is_branch = [](const auto& arrival) { return arrival.from.starts_with(kBranches); };
  if (std::none_of(arrivals.begin(), arrivals.end(), is_branch)) return;
  const auto plan = plan::plan_branches(arrivals, known, refs_here(git), checked_out(git));
  std::vector<std::string> made, moved;
  for (const auto& step : plan.steps) {
    if (!step.former.empty() && !git.ok({"merge-base", "--is-ancestor", step.former, step.id})) continue;
    const auto former = step.former.empty() ? std::string(step.id.size(), '0') : step.former;
    if (!git.ok({"update-ref", "--no-deref", "-m", "jailed: a branch of a jail", step.name, step.id, former})) continue;
    (step.former.empty() ? made : moved).push_back(step.name.substr(kBranches.size()));
  }
  if (!made.empty()) spdlog::info("New branch{} of the jail: {}.", made.size() == 1 ? "" : "es", names_of(made));
  if (!moved.empty()) spdlog::info("Moved forward as in the jail: {}.", names_of(moved));
  if (plan.too_many != 0)
    spdlog::warn("{} new or moved branches are too many to become branches here; they are in refs/jailed.", plan.too_many);
}

void drop_redundant(const HostGit& git, std::vector<Arrival>& arrivals) {
  if (arrivals.empty()) return;
  const auto here = refs_here(git);
  const auto head = git.ask({"rev-parse", "-q", "--verify", "HEAD"});
  std::string input;
  std::erase_if(arrivals, [&](const Arrival& arrival) {
    const auto own = here.find(arrival.from);
    if (arrival.from == "HEAD" ? head != arrival.id : own == here.end() || own->second != arrival.id) return false;
    input += fmt::format("delete {} {}\n", arrival.to, arrival.id);
    return true;
  });
  if (!input.empty()) git.feed({"update-ref", "--no-deref", "--stdin"}, input);
}

void say_where(const std::vector<Arrival>& arrivals, const std::string& obstacle) {
  if (!obstacle.empty()) spdlog::warn("Your branch stays where it is: {}.", obstacle);
  for (std::size_t i = 0; i < arrivals.size() && i < kMostShown; ++i) {
    const auto& [from, to, id] = arrivals[i];
    const auto kind = kind_of(to);
    spdlog::info("{} came home as {}: {}", what_is(kind), short_id(id), way_to_take(kind, to));
  }
  if (arrivals.size() > kMostShown)
    spdlog::info("and {} more; all of them: jailed git log", arrivals.size() - kMostShown);
}

void print_arrived(const std::string& directory, const Surroundings& around) {
  const auto facts = look_at_git(directory, around);
  if (facts.git_dir.empty() || !facts.problem.empty()) return;
  const auto refs = read_refs(facts.git_dir, facts.common_dir);
  if (!refs) return;
  for (const auto& [name, value] : *refs) {
    if (!name.starts_with("refs/jailed/") || !plan::is_plain_ref_name(name) || !plan::is_object_id(value)) continue;
    std::cout << value.substr(0, 8) << "  " << way_to_take(kind_of(name), name) << "\n";
  }
}

}  // namespace jailed::work
