#include <chrono>
#include <cstdint>
#include <jailed/engine/steps.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <jailed/plan/sync/leaving.hpp>
#include <jailed/plan/sync/problems.hpp>

#include "client.hpp"

namespace jailed::engine {
namespace {

constexpr auto kEndPatience = std::chrono::seconds(10);
constexpr auto kOpenPatience = std::chrono::minutes(2);
// Of a step that looks at every file of the project.
constexpr auto kLeavingPatience = std::chrono::minutes(2);
constexpr auto kPutBackPatience = std::chrono::seconds(10);
// What is sparse in the jail is not in an archive, and tar can be stopped by whoever is left.
constexpr std::uint64_t kMostArchived = std::uint64_t{8} << 30;
constexpr host::Patience kTarPatience{std::chrono::minutes(1), std::chrono::hours(2)};

core::EngineCall archive_call(const plan::Engine& engine, const std::string& container, const std::string& workspace, const Archived& archived) {
  switch (archived.what) {
    case Archived::What::sides: return plan::archive_command(engine, container, archived.paths, workspace);
    case Archived::What::odd_names: return plan::archive_odd_names_command(engine, container, workspace);
    case Archived::What::whole: break;
  }
  return plan::archive_whole_command(engine, container, archived.paths, workspace);
}

}  // namespace

bool end_others(const plan::Engine& engine, const std::string& container) {
  return Client::capture_shielded(plan::end_others_command(engine, container), kEndPatience).has_value();
}

void open_up(const plan::Engine& engine, const std::string& container, const std::string& workspace) {
  Client::capture_shielded(plan::open_up_command(engine, container, workspace), kOpenPatience);
}

void write_gitfiles(const plan::Engine& engine, const std::string& container, const std::vector<plan::ModulePlan>& modules) {
  Client::capture_shielded(plan::gitfiles_command(engine, container, modules));
}

std::optional<std::string> missing_files(const plan::Engine& engine, const std::string& container, const std::string& work_tree) {
  auto answer = Client::capture_shielded(plan::missing_files_command(engine, container, work_tree));
  return answer.status.ok() ? std::optional(std::move(answer.out)) : std::nullopt;
}

bool archive(const plan::Engine& engine, const std::string& container, const std::string& workspace, const Archived& archived, int output) {
  const auto command = Client::command(archive_call(engine, container, workspace, archived));
  return host::stream_to(command, output, kMostArchived, kTarPatience).status.ok();
}

Leaving begin_leaving(const plan::Engine& engine, const std::string& container, const std::string& project) {
  const auto begun = Client::capture_shielded(plan::detach_begin_command(engine, container, project), kLeavingPatience);
  if (!begun || (!begun->status.ok() && begun->status != core::ExitStatus::exited(1))) return {.answered = false};
  return {.obstacle = begun->status.ok() ? std::nullopt : std::optional(plan::detach_obstacle(begun->out))};
}

Leaving take_out(const plan::Engine& engine, const std::string& container, const std::string& project) {
  const auto taken = Client::capture_shielded(plan::detach_take_command(engine, container, project), kLeavingPatience);
  if (!taken) return {.answered = false};
  return {.obstacle = taken->status.ok() ? std::nullopt : std::optional(plan::detach_obstacle(taken->out))};
}

void put_back(const plan::Engine& engine, const std::string& container, const std::string& project) {
  Client::capture_shielded(plan::detach_undo_command(engine, container, project), kPutBackPatience);
}

void remove_taken_out(const plan::Engine& engine, const std::string& container, const std::string& project) {
  Client::capture_shielded(plan::detach_remove_command(engine, container, project));
}

}  // namespace jailed::engine
