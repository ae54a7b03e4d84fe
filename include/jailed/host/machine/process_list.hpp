#pragma once
#include <jailed/core/process_entry.hpp>
#include <string>
#include <vector>

namespace jailed::host {

/// The processes that /proc shows to the caller; empty where there is no /proc. Of long command lines the
/// beginning.
std::vector<core::ProcessEntry> process_list(const std::string& proc = "/proc");

}  // namespace jailed::host
