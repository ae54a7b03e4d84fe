#include <algorithm>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/project/projects.hpp>
#include <jailed/work/git/look.hpp>
#include <jailed/work/git/object_stores.hpp>
#include <jailed/work/git/shadow.hpp>
#include <jailed/work/launch/shares.hpp>
#include <jailed/work/session/parts.hpp>

namespace jailed::work {
namespace {

// Root's files reach a jail that is not root by an idmapped mount; anyone's own files as they are.
bool needs_idmap(uid_t owner, plan::Identity identity) { return owner == 0 && identity.uid != 0; }

// With a project before it.
bool shares_repository(const std::vector<ProjectShare>& shares, std::size_t index) {
  const auto& own = shares[index].facts.common_dir;
  return !own.empty() && std::any_of(shares.begin(), shares.begin() + static_cast<std::ptrdiff_t>(index),
                                     [&](const auto& share) { return share.facts.common_dir == own; });
}

void plan_share(ProjectShare& share, const ShareContext& context) {
  const auto name = share.name.empty() ? "workspace" : "project-" + share.name;
  share.workspace = context.mounts == nullptr ? share.path
                    : share.other_owner       ? context.mounts->add(share.path, name, &share.checked)
                                              : context.mounts->hold(share.path, name, share.checked);
  // With Mutagen further projects are in one volume, so that one can be attached.
  if (context.synced && !share.name.empty()) {
    share.place = plan::place_of(share.name);
  } else {
    share.place = plan::place_for(share.path, context.settings.user, share.name);
  }
  auto places = context.places;
  places.session_view += part_below(share.name);
  places.workspace = share.workspace;
  places.target = share.place.workspace;
  auto sources = git_sources(share.facts, places.session_view, share.workspace, context.views);
  sources.place = share.place;
  sources.synced = context.synced;
  sources.beside = context.synced && !share.name.empty();
  sources.linked = context.linked;
  share.git = plan::plan_git(context.settings.git, share.facts, sources);
  if (context.synced) share.git.make_entry = false;  // what is mounted at .git is mounted in the volume
  share.execution =
      look_at_host_execution(share.facts, context.settings, context.environment, places, share.git.binds);
}

}  // namespace

std::vector<ProjectShare> look_at_projects(const Places& places, plan::Identity identity,
                                           const core::Environment& environment) {
  std::vector<ProjectShare> shares;
  const auto add = [&](const std::string& path, const std::string& name, const struct stat& info) {
    shares.push_back({.path = path,
                      .name = name,
                      .other_owner = needs_idmap(info.st_uid, identity),
                      .workspace = {},
                      .place = {},
                      .facts = look_at_git(path, {environment, places.config}),
                      .git = {},
                      .execution = {},
                      .checked = info});
  };
  add(places.project, "", places.project_info);
  for (const auto& project : places.further) add(project.path, project.name, project.info);
  return shares;
}

void plan_shares(std::vector<ProjectShare>& shares, const ShareContext& context) {
  for (auto& share : shares) plan_share(share, context);
}

std::vector<plan::BindMount> further_binds(const std::vector<ProjectShare>& shares) {
  std::vector<plan::BindMount> binds;
  for (const auto& share : shares) {
    if (share.name.empty()) continue;
    binds.push_back({share.workspace, share.place.workspace, false});
    binds.insert(binds.end(), share.git.binds.begin(), share.git.binds.end());
    const auto& guards = share.execution.guards.binds;
    binds.insert(binds.end(), guards.begin(), guards.end());
  }
  return binds;
}

void make_shares(std::vector<ProjectShare>& shares, const std::string& session) {
  for (std::size_t i = 0; i < shares.size(); ++i) {
    auto& share = shares[i];
    const auto part = session + part_below(share.name);
    if (!share.name.empty()) host::make_private_directories(part);
    if (shares_repository(shares, i)) number_part(part, i + 1);
    make_git_shadow(share.git, share.facts, part, share.other_owner);
    make_host_snapshot(share.execution, part);
  }
}

}  // namespace jailed::work
