#pragma once
#include <jailed/plan/git/refs.hpp>
#include <string>

namespace jailed::work {

/// Copies the jail's new LFS objects into the host's repository, whose owner's they are then also when root calls: on directory
/// descriptors, through no symbolic link of either side. How many could not be copied.
std::size_t take_lfs_objects(const std::string& shadow, const std::string& common_dir);

}  // namespace jailed::work
