#pragma once
#include <cstdint>
#include <jailed/core/settings.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// Parsers of the table of settings: what somebody gave becomes a value, or a UsageError that names who gave it.

/// "512m", "18g", "1.5GiB", "1073741824" -> bytes. Units are powers of 1024, as docker's.
std::uint64_t parse_size(const core::Named& given);

bool switch_of(const core::Named& given);
std::string image_of(const core::Named& given);
std::string base_of(const core::Named& given);
std::string user_of(const core::Named& given);
std::string image_user_of(const core::Named& given);
std::string directory_of(const core::Named& given);
std::string profile_of(const core::Named& given);
std::string processors_of(const core::Named& given);
std::string env_entry_of(const core::Named& given);  // says no more of a bad one than its name
std::string prompt_of(const core::Named& given);
std::string glob_of(const core::Named& given);
core::Named sandbox_of(const core::Named& given);
core::Sync sync_of(const core::Named& given);
core::GitMode git_mode_of(const core::Named& given);
core::Cache cache_of(const core::Named& given);
core::Seccomp seccomp_of(const core::Named& given);
core::Report report_of(const core::Named& given);
core::Testcontainers testcontainers_of(const core::Named& given);
core::Network network_of(const core::Named& given);
core::Named host_of(const core::Named& given);
std::string network_set_of(const core::Named& given);
core::Waiver waiver_of(const core::Named& given);
std::uint64_t processes_of(const core::Named& given);
std::uint64_t open_files_of(const core::Named& given);

/// Names with commas between, in the table's order, each once; "none" means none.
std::vector<std::string> agents_of(const core::Named& given);
std::vector<std::string> toolchains_of(const core::Named& given);

}  // namespace jailed::plan
