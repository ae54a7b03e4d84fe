#pragma once
#include <jailed/socket_proxy/upstream.hpp>
#include <string>

namespace jailed::socket_proxy {

/// Removes every container (with its anonymous volumes), network and volume that carries the session's label.
/// First what is known to be `made`: its labels are the jail's own words, and a list of them can be longer than any answer
/// that is read. Then the engine is asked, so that what was made in the last moment is found as well. Gives up after about
/// 30 s, or 3 s when the engine refuses connections; then the sweep of a later launch takes the rest. Returns whether nothing
/// is left.
bool remove_siblings(const Upstream& engine, const std::string& session, const Owned& made);

}  // namespace jailed::socket_proxy
