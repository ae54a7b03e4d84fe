#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/table.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/project/project.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

using nlohmann::json;

constexpr const char* kRunThenWait =
    "echo $$ >/run/jailed-keeper; mkfifo /run/jailed-start && read -r go </run/jailed-start; \"$@\"; exec "
    "sleep infinity";
constexpr const char* kStart = "[ ! -p /run/jailed-start ] || echo go >/run/jailed-start";

bool means(const FoundJail& jail, const std::string& word) {
  const auto projects = projects_of(jail);
  return jail.name == word || jail.session == word || std::find(projects.begin(), projects.end(), word) != projects.end();
}

bool may_mean(const FoundJail& jail, const std::string& word) {
  return jail.name.starts_with(word) || jail.name.starts_with("jailed-" + word) ||
         jail.session.starts_with(word) || project_name(jail.project) == word ||
         std::any_of(jail.further.begin(), jail.further.end(), [&](const auto& project) { return project.name == word; });
}

std::string candidates(const std::vector<const FoundJail*>& jails) {
  std::string text = "name one of them:";
  for (const auto* jail : jails)
    text += fmt::format("\n  {}  {}", jail->name, core::printable(jail->project));
  return text;
}

std::string shown_projects(const FoundJail& jail) {
  std::string text;
  for (const auto& project : projects_of(jail)) {
    text += (text.empty() ? "" : ", ") + core::printable(project);
    // Not at its own path, and not where it is in every jail.
    if (project == jail.project && jail.place != project && jail.place != JailPlace{}.workspace)
      text += fmt::format(" (at {})", jail.place);
  }
  return text;
}

std::string shown_agents(const FoundJail& jail) {
  if (!jail.agents) return "-";
  std::string text;
  for (const auto& agent : *jail.agents) text += (text.empty() ? "" : ",") + agent;
  return text.empty() ? "none" : text;
}

std::string shown_state(const FoundJail& jail) {
  if (jail.foreign) return "foreign";
  return jail.detached ? jail.state + " (detached)" : jail.state;
}

// Docker's names of a container to which others have links hold theirs as well: "jailed-x,other/alias".
std::string own_name(const std::string& names) {
  for (const auto name : core::parts(names, ',')) {
    if (name.find('/') == std::string_view::npos) return std::string(name);
  }
  return names;
}

FoundJail checked(const Engine& engine, const JailClaim& claim) {
  FoundJail jail{.name = own_name(claim.names),
                 .session = claim.session,
                 .project = claim.project,
                 .image = shown_answer(claim.image),
                 .state = shown_answer(claim.state),
                 .age = shown_answer(claim.age),
                 .synced = claim.sync == "mutagen",
                 .detached = claim.detached == "true",
                 .further = parse_projects(claim.further),
                 .container = is_container_id(claim.id) ? claim.id : std::string{}};
  const bool sound = is_engine_name(jail.name) && is_session_id(jail.session) && is_plain_path(jail.project) &&
                     (claim.id.empty() || is_container_id(claim.id));
  if (sound) return jail;
  jail.name = shown_answer(jail.name);
  jail.project = shown_answer(jail.project);
  if (!is_session_id(jail.session)) jail.session.clear();
  jail.further.clear();
  return foreign(engine, std::move(jail), "its labels are not those of a jail");
}

[[noreturn]] void refuse_foreign(const FoundJail& jail) {
  throw core::UsageError(fmt::format("{} is no jail of this configuration: {}.", jail.name, jail.foreign->why), jail.foreign->next_step);
}

}  // namespace

core::EngineCall list_jails_command(const Engine& engine, uid_t owner) {
  std::vector<std::string> args = {"ps", "--all", "--no-trunc", "--filter", "label=jailed.session", "--filter",
                                   fmt::format("label=jailed.owner={}", owner)};
  if (!engine.asked_from.empty()) args.insert(args.end(), {"--filter", "label=" + machine_label(engine)});
  args.insert(args.end(), {"--format", traits_of(engine).answers.jails_format});
  return {engine.program, std::move(args), {}};
}

JailList parse_jails(const Engine& engine, std::string_view text) {
  const auto [claims, whole] = traits_of(engine).answers.jails(text);
  JailList list{.jails = {}, .whole = whole};
  for (const auto& claim : claims) list.jails.push_back(checked(engine, claim));
  return list;
}

const FoundJail& choose_jail(const std::vector<FoundJail>& jails, const std::string& word,
                             const std::string& here) {
  std::vector<const FoundJail*> found;
  const auto keep = [&](auto&& fits) {
    for (const auto& jail : jails) {
      if (!jail.foreign && fits(jail)) found.push_back(&jail);
    }
  };
  if (word.empty()) {
    keep([&](const auto& jail) {
      const auto projects = projects_of(jail);
      return std::any_of(projects.begin(), projects.end(), [&](const auto& project) { return is_within(here, project); });
    });
    if (found.empty()) keep([](const auto&) { return true; });
  } else {
    keep([&](const auto& jail) { return means(jail, word); });
    if (found.empty()) keep([&](const auto& jail) { return may_mean(jail, word); });
  }
  if (found.size() == 1) return *found.front();
  if (found.empty()) {
    for (const auto& jail : jails) {
      if (!word.empty() && jail.foreign && (jail.name.starts_with(word) || jail.session == word || jail.project == word)) refuse_foreign(jail);
    }
    throw core::UsageError(
        word.empty() ? "No jail is there." : fmt::format("No jail is '{}'.", core::printable(word)),
        "see: jailed ls");
  }
  throw core::UsageError(word.empty() ? "There are several jails."
                                      : fmt::format("'{}' could be several jails.", core::printable(word)),
                         candidates(found));
}

std::vector<FoundJail> own_jails(std::vector<FoundJail> jails) {
  std::erase_if(jails, [](const auto& jail) { return jail.foreign.has_value(); });
  return jails;
}

std::vector<std::string> projects_of(const FoundJail& jail) {
  std::vector<std::string> projects = {jail.project};
  for (const auto& project : jail.further) projects.push_back(project.path);
  return projects;
}

std::string jails_table(const Engine& engine, const std::vector<FoundJail>& jails) {
  std::vector<std::vector<std::string>> rows = {{"JAIL", "PROJECT", "ENGINE", "IMAGE", "AGE", "STATE", "SYNC", "AGENTS"}};
  for (const auto& jail : jails) {
    rows.push_back({jail.name, shown_projects(jail), std::string(traits_of(engine).name), core::printable(jail.image), jail.age,
                    shown_state(jail),
                    jail.synced ? "mutagen" : "bind", shown_agents(jail)});
  }
  return core::table(rows);
}

std::string jails_json(const Engine& engine, const std::vector<FoundJail>& jails) {
  auto list = json::array();
  for (const auto& jail : jails) {
    auto further = json::object();
    for (const auto& project : jail.further) further[project.name] = project.path;
    list.push_back({{"name", jail.name},
                    {"session", jail.session},
                    {"project", jail.project},
                    {"place", jail.place},
                    {"further", std::move(further)},
                    {"engine", traits_of(engine).name},
                    {"image", jail.image},
                    {"state", jail.foreign ? "foreign" : jail.state},
                    {"age", jail.age},
                    {"sync", jail.synced ? "mutagen" : "bind"},
                    {"detached", jail.detached},
                    {"agents", jail.agents ? json(*jail.agents) : json()}});
    if (jail.foreign) list.back()["why"] = jail.foreign->why;
  }
  return list.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

void check_detached(const core::Settings& settings) {
  if (settings.testcontainers == core::Testcontainers::proxy)
    throw core::UsageError("--detach does not go with --testcontainers=proxy: the proxy ends with this jailed, the jail does not.",
                           "leave out --detach, and keep this terminal open");
}

Jail detached(Jail jail, const std::vector<std::string>& command) {
  std::erase_if(jail.binds, [](const BindMount& mount) { return mount.target == "/etc/jailed/lease"; });
  jail.labels.emplace_back("jailed.detached=true");
  jail.logged = true;
  if (jail.keeper_command.empty()) {
    jail.keeper_command = command.empty() ? std::vector<std::string>{"sleep", "infinity"} : command;
  } else if (!command.empty()) {
    jail.keeper_command = {"sh", "-c", kRunThenWait, "keeper"};
    jail.keeper_command.insert(jail.keeper_command.end(), command.begin(), command.end());
  }
  return jail;
}

core::EngineCall start_command(const Engine& engine, const std::string& container) {
  return {engine.program, {"exec", container, "/bin/sh", "-c", kStart}, {}};
}

core::EngineCall logs_command(const Engine& engine, const std::string& container, bool follow) {
  std::vector<std::string> args = {"logs"};
  if (follow) args.emplace_back("--follow");
  args.push_back(container);
  return {engine.program, std::move(args), {}};
}

}  // namespace jailed::plan
