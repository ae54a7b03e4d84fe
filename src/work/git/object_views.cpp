#include <fmt/format.h>
#include <unistd.h>

#include <jailed/host/files/files.hpp>
#include <jailed/work/git/object_views.hpp>

namespace jailed::work {

std::string ObjectViews::of(const std::string& directory) {
  const auto info = host::lstat_of(directory);
  if (!info || info->st_uid != 0 || identity_.uid == 0 || ::geteuid() != 0) return directory;
  auto place = host::IdmappedMounts::place(session_id_, fmt::format("objects-{}", count_++));
  if (idmapped_ != nullptr) idmapped_->add(directory, place, &*info);
  return place;
}

std::vector<std::string> ObjectViews::of(const std::vector<std::string>& directories) {
  std::vector<std::string> views;
  for (const auto& directory : directories) views.push_back(of(directory));
  return views;
}

}  // namespace jailed::work
