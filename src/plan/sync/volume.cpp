#include <fmt/format.h>

#include <jailed/core/number.hpp>
#include <jailed/plan/engine/answer.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/plan/sync/remote.hpp>
#include <jailed/plan/sync/volume.hpp>

namespace jailed::plan {
namespace {

using Args = std::vector<std::string>;

}  // namespace

std::string projects_volume(const std::string& container) { return container + "-projects"; }

core::EngineCall create_volume_command(const Engine& engine, const Jail& jail) {
  Args args = {"volume", "create"};
  for (auto& label : jail_labels(engine, jail)) args.insert(args.end(), {"--label", std::move(label)});
  args.insert(args.end(),
              {"--label", "jailed.image=" + jail.image, "--label", "jailed.user=" + jail.user, "--label",
               fmt::format("jailed.identity={}:{}", jail.identity.uid, jail.identity.gid)});
  args.push_back(container_name(jail.project, jail.id));
  return {engine.program, std::move(args), {}};
}

core::EngineCall remove_volume_command(const Engine& engine, const std::string& volume) {
  Args args = {"volume", "rm"};
  if (!engine.reach.mounts) args.push_back(jail_volume(volume));
  args.insert(args.end(), {projects_volume(volume), volume});
  return {engine.program, std::move(args), {}};
}

bool says_volumes_are_gone(const Engine& engine, std::string_view answer) {
  constexpr std::string_view gone = "o such volume";
  int count = 0;
  for (auto at = answer.find(gone); at != std::string_view::npos; at = answer.find(gone, at + gone.size())) ++count;
  return count >= (engine.reach.mounts ? 2 : 3);
}

core::EngineCall find_volumes_command(const Engine& engine, const std::string& session_id) {
  Args args = {"volume", "ls", "--quiet", "--filter",
               session_id.empty() ? "label=jailed.session" : "label=jailed.session=" + session_id};
  if (!engine.asked_from.empty()) args.insert(args.end(), {"--filter", "label=" + machine_label(engine)});
  return {engine.program, std::move(args), {}};
}

core::EngineCall inspect_volumes_command(const Engine& engine, const std::vector<std::string>& volumes) {
  Args args = {"volume", "inspect"};
  args.insert(args.end(), volumes.begin(), volumes.end());
  return {engine.program, std::move(args), {}};
}

std::vector<Volume> parse_volumes(std::string_view text) {
  std::vector<Volume> volumes;
  const auto answer = parse_answer(text);
  if (!answer.is_array()) return volumes;
  for (const auto& entry : answer) {
    const auto labels = entry.find("Labels");
    if (labels == entry.end() || !labels->is_object()) continue;
    Volume volume{.name = string_at(entry, "Name"),
                  .session = string_at(*labels, "jailed.session"),
                  .project = string_at(*labels, "jailed.project"),
                  .image = {},
                  .user = {},
                  .identity = {}};
    if (!is_engine_name(volume.name) || !is_session_id(volume.session) || !is_plain_path(volume.project) ||
        !core::parse_number(string_at(*labels, "jailed.owner"), volume.owner))
      continue;
    volumes.push_back(std::move(volume));
  }
  return volumes;
}

}  // namespace jailed::plan
