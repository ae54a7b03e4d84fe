#include <fmt/format.h>

#include <jailed/engine/steps.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/jail/layout.hpp>
#include <jailed/work/session/parts.hpp>
#include <jailed/work/sync/leaving.hpp>

namespace jailed::work {
namespace {

std::string note_of(const std::string& session, const std::string& name) { return session + plan::part_below(name) + "/leaving"; }

}  // namespace

void note_leaving(const std::string& session, const std::string& name) {
  const auto note = note_of(session, name);
  host::make_private_directories(session + plan::part_below(name));
  if (!host::lstat_of(note)) host::write_new_file(note, "", 0600);
}

void put_back_what_was_leaving(const plan::Engine& engine, const Cargo& cargo, const CargoProject& project) {
  if (project.name.empty() || !host::lstat_of(note_of(fmt::format("{}/{}", cargo.sessions, cargo.id), project.name))) return;
  engine::put_back(engine, cargo.container, project.name);
}

}  // namespace jailed::work
