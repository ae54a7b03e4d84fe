#pragma once
#include <jailed/core/process_entry.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::host {

/// The processes that /proc shows to the caller; empty where there is no /proc. Of long command lines the
/// beginning.
std::vector<core::ProcessEntry> process_list(const std::string& proc = "/proc");

/// Whether a process of the caller's own PID namespace, so none in a container, has this option on its command line with a value that
/// ends so.
bool runs_with_option(std::string_view option, std::string_view end);

}  // namespace jailed::host
