#include <algorithm>
#include <jailed/host/files/files.hpp>
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

void plan_share(ProjectShare& share, const plan::ProjectLayout& at, const LaunchFacts& facts, const plan::Layout& layout,
                ObjectViews& views, host::IdmappedMounts* mounts) {
  const bool synced = facts.mutagen.has_value();
  share.workspace = at.workspace;
  share.place = at.place;
  if (mounts != nullptr && share.other_owner) mounts->add(share.path, at.workspace, &share.checked);
  if (mounts != nullptr && !share.other_owner) mounts->hold(share.path, at.workspace, share.checked);
  auto sources = git_sources(share.facts, at.view, at.workspace, views);
  sources.place = at.place;
  sources.synced = synced;
  sources.beside = synced && !share.name.empty();
  sources.linked = !facts.engine.reach.mounts;
  share.git = plan::plan_git(facts.settings.git, share.facts, sources);
  if (synced) share.git.make_entry = false;  // what is mounted at .git is mounted in the volume
  share.execution = look_at_host_execution(share.facts, facts.settings, facts.environment,
                                           {layout.sessions, layout.id, at.view, at.workspace, at.place.workspace}, share.git.binds);
}

}  // namespace

std::vector<ProjectShare> look_at_projects(const LaunchFacts& facts) {
  const auto& places = facts.places;
  std::vector<ProjectShare> shares;
  const auto add = [&](const std::string& path, const std::string& name, const struct stat& info) {
    shares.push_back({.path = path,
                      .name = name,
                      .other_owner = needs_idmap(info.st_uid, facts.reader),
                      .workspace = {},
                      .place = {},
                      .facts = look_at_git(path, {facts.environment, places.config}),
                      .git = {},
                      .execution = {},
                      .checked = info});
  };
  add(places.project, "", places.project_info);
  for (const auto& project : places.further) add(project.path, project.name, project.info);
  return shares;
}

void plan_shares(std::vector<ProjectShare>& shares, const LaunchFacts& facts, const plan::Layout& layout, ObjectViews& views,
                 host::IdmappedMounts* mounts) {
  for (std::size_t i = 0; i < shares.size(); ++i) plan_share(shares[i], layout.projects.at(i), facts, layout, views, mounts);
}

std::vector<plan::BindMount> project_binds(const std::vector<ProjectShare>& shares) {
  std::vector<plan::BindMount> binds;
  for (const auto& share : shares) {
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
    const auto part = session + plan::part_below(share.name);
    if (!share.name.empty()) host::make_private_directories(part);
    if (shares_repository(shares, i)) number_part(part, i + 1);
    make_git_shadow(share.git, share.facts, part, share.other_owner);
    make_host_snapshot(share.execution, part);
  }
}

}  // namespace jailed::work
