#pragma once
#include <jailed/host/files/idmapped_mount.hpp>
#include <jailed/plan/jail/user_files.hpp>
#include <string>
#include <vector>

namespace jailed::work {

/// Makes object directories reachable for the jail's user: where they are root's and the jail is not, by
/// idmapped mounts, which `idmapped` (null: only say where) makes.
class ObjectViews {
 public:
  ObjectViews(std::string session_id, plan::Identity identity, host::IdmappedMounts* idmapped)
      : session_id_(std::move(session_id)), identity_(identity), idmapped_(idmapped) {}

  std::string of(const std::string& directory);
  std::vector<std::string> of(const std::vector<std::string>& directories);

 private:
  std::string session_id_;
  plan::Identity identity_;
  host::IdmappedMounts* idmapped_;
  int count_ = 0;
};

}  // namespace jailed::work
