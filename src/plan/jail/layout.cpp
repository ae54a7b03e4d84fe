#include <jailed/plan/jail/layout.hpp>
#include <jailed/plan/settings/settings.hpp>

namespace jailed::plan {

std::string part_below(const std::string& name) {
  return name.empty() ? std::string{} : std::string(kParts) + "/" + name;
}

Layout layout_of(const LayoutFacts& facts, const core::Settings& settings) {
  // An engine of another machine mounts nothing, so what is root's here need not look like another user's.
  const bool by_mounts = !facts.root_mounts.empty() && facts.reach.mounts;
  const auto seen = [&](const std::string& path, const std::string& name) { return by_mounts ? facts.root_mounts + "/" + name : path; };
  Layout layout;
  layout.id = facts.id;
  layout.sessions = facts.config + "/sessions";
  layout.session = layout.sessions + "/" + facts.id;
  layout.config = seen(facts.config, "config");
  layout.view = layout.config + "/sessions/" + facts.id;
  layout.state = state_paths(layout.config, settings, facts.project);
  for (const auto& project : facts.projects) {
    layout.projects.push_back({.path = project.path,
                               .name = project.name,
                               .workspace = seen(project.path, project.name.empty() ? "workspace" : "project-" + project.name),
                               .view = layout.view + part_below(project.name),
                               // With Mutagen further projects are in one volume, so that one can be attached.
                               .place = facts.synced && !project.name.empty() ? place_of(project.name)
                                                                              : place_for(project.path, settings.user, project.name)});
  }
  if (facts.can_lease && facts.reach.lease && on_host_kernel(settings.sandbox)) layout.lease = layout.file("lease");
  return layout;
}

}  // namespace jailed::plan
