#include <spdlog/spdlog.h>
#include <unistd.h>

#include <jailed/core/error.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/kernel.hpp>
#include <jailed/plan/jail/limits.hpp>
#include <jailed/work/launch/limits.hpp>

namespace jailed::work {

std::optional<std::string> missing_limits(const plan::Engine& engine, const core::Settings& settings) {
  if (engine.limits == plan::LimitSupport{}) return std::nullopt;
  const auto cgroup = host::user_cgroup(::geteuid());
  return cgroup ? plan::limits_notice(engine, {cgroup->unified, cgroup->controllers}, settings) : std::nullopt;
}

void tell_of_missing_limits(const LaunchFacts& facts) {
  const auto& settings = facts.settings;
  const auto& config = facts.places.config;
  const auto notice = missing_limits(facts.engine, settings);
  if (!notice) return;
  const auto marker = config + "/told/limits";
  const bool asked = settings.memory || settings.cpus;
  const bool told = host::lstat_of(marker).has_value();
  if (!told || asked) spdlog::warn("{}", *notice);
  if (told) return;
  try {
    host::make_private_directories(config + "/told");
    host::write_new_file(marker, "", 0600);
  } catch (const core::Error&) {
    // Another launch was faster, or it will be said once more.
  }
}

}  // namespace jailed::work
