#pragma once
#include <jailed/core/engine_call.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// The volume at /projects. The engine makes it with the container, so that it costs no call; it is found by the
/// name of the other one, which has the labels, and goes with it.
std::string projects_volume(const std::string& container);

core::EngineCall create_volume_command(const Engine& engine, const Jail& jail);
/// All volumes of a jail, the one with the labels last.
core::EngineCall remove_volume_command(const Engine& engine, const std::string& volume);

/// Whether the answer says that none is there.
bool says_volumes_are_gone(const Engine& engine, std::string_view answer);

/// The names of the volumes of one session, or of all; and everything about some of them.
core::EngineCall find_volumes_command(const Engine& engine, const std::string& session_id);
core::EngineCall inspect_volumes_command(const Engine& engine, const std::vector<std::string>& volumes);

/// Why something that says it is a jail's is taken for none of this configuration's, and what to do about it.
struct Foreign {
  std::string why;
  std::string next_step;
  bool operator==(const Foreign&) const = default;
};

/// A volume whose work may not be home. As parse_volumes gives it, it is what its labels claim; `agreed` (claims.hpp) fills in
/// from its session what is acted on.
struct Volume {
  std::string name;
  std::string session;
  std::string project;
  std::string image;
  std::string user;
  Identity identity;
  uid_t owner = 0;
  std::vector<NamedProject> further = {};  // now
  std::optional<Foreign> foreign = {};
  bool operator==(const Volume&) const = default;
};

/// Reads the engine's answer to inspect_volumes_command: names, sessions, projects and owners that can be ones; leaves out the rest.
std::vector<Volume> parse_volumes(std::string_view json);

}  // namespace jailed::plan
