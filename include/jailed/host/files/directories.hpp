#pragma once
#include <jailed/core/environment.hpp>
#include <string>

namespace jailed::host {

/// $XDG_CACHE_HOME/jailed: host files that can be made again. No jail can write there.
std::string cache_directory(const core::Environment& environment);

/// $XDG_STATE_HOME/jailed, else ~/.local/state/jailed; no jail sees it.
std::string state_directory(const core::Environment& environment);

}  // namespace jailed::host
