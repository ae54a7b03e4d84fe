#pragma once
#include <jailed/socket_proxy/upstream.hpp>
#include <string>

namespace jailed::socket_proxy {

/// Removes every container (with its anonymous volumes), network and volume that carries the session's label.
/// The engine is asked, not memory: what was made in the last moment is found as well. Gives up after about
/// 30 s, or 3 s when the engine does not answer; then the sweep of a later launch takes the rest. Returns
/// whether nothing is left.
bool remove_siblings(const Upstream& engine, const std::string& session);

}  // namespace jailed::socket_proxy
