#pragma once
#include <jailed/core/engine_call.hpp>
#include <jailed/plan/engine/choose.hpp>
#include <jailed/plan/project/projects.hpp>
#include <jailed/plan/sync/volume.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// A jail, or a volume whose jail is gone: `state` is then "unsynced". As parse_jails gives it, it is what a container claims
/// to be; `agreed` (claims.hpp) makes a jail of it.
struct FoundJail {
  std::string name;  // of the container and of the volume
  std::string session;
  std::string project;
  std::string image;
  std::string state;  // running, exited …
  std::string age;    // as the engine says it: "2 hours ago"
  bool synced = false;
  bool detached = false;
  std::vector<NamedProject> further = {};  // projects beside the first
  std::string container = {};              // the engine's id; empty: not asked
  std::optional<std::vector<std::string>> agents = {};  // that run in it; nothing: it cannot be told
  std::optional<Foreign> foreign = {};  // it only claims to be a jail of this configuration: shown, never acted upon
  std::string place = JailPlace{}.workspace;            // of the first project in it, as its session says
  bool operator==(const FoundJail&) const = default;
};

/// Everything of a claim that is acted on or shown, as the engine says it. No more of them are read than these.
struct JailClaim {
  std::string names, session, project, image, state, age, sync, detached, further, id;
};
inline constexpr std::size_t kMostJails = 10000;

struct JailClaims {
  std::vector<JailClaim> claims;
  bool whole = true;  // all of the answer made sense, and there were no more
};

/// One call: every jail of this owner, whatever its state. Podman 4.3 knows no `.Label` in a template, and
/// Docker's JSON runs all labels together; so each is asked in its own way.
core::EngineCall list_jails_command(const Engine& engine, uid_t owner);

/// Reads the answer: what claims to be a jail and is no helper of one. Every value is checked here; where one is not what
/// jailed writes, the claim is a foreign one.
struct JailList {
  std::vector<FoundJail> jails;
  bool whole = true;  // else who is not in it may be there all the same
};
JailList parse_jails(const Engine& engine, std::string_view text);

/// What the user means by a jail: a name, a session, the beginning of one (also without `jailed-`), the path or
/// name of one of its projects. Empty: the one around `here`, or the only one. Throws UsageError when it is none
/// or several, or one that is foreign.
const FoundJail& choose_jail(const std::vector<FoundJail>& jails, const std::string& word,
                             const std::string& here);

/// Those that are not foreign.
std::vector<FoundJail> own_jails(std::vector<FoundJail> jails);

/// The paths of all its projects.
std::vector<std::string> projects_of(const FoundJail& jail);

std::string jails_table(const Engine& engine, const std::vector<FoundJail>& jails);
std::string jails_json(const Engine& engine, const std::vector<FoundJail>& jails);

/// Refuses what cannot work in a jail that outlives the jailed that started it.
void check_detached(const core::Settings& settings);

/// `jail` for `--detach`: it does not end with the jailed that started it. With a command it runs that, and
/// what it says is kept for `jailed logs`; a bound jail ends with it. Without one it waits for `jailed
/// shell`. A keeper's command waits for `start_command`, when the project is there.
Jail detached(Jail jail, const std::vector<std::string>& command);
core::EngineCall start_command(const Engine& engine, const std::string& container);

/// What a detached jail's command has said; `follow`: and says, until it ends.
core::EngineCall logs_command(const Engine& engine, const std::string& container, bool follow);

}  // namespace jailed::plan
