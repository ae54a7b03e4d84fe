#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <jailed/host/beneath/beneath.hpp>
#include <jailed/host/beneath/copy.hpp>
#include <jailed/host/beneath/read.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/plan/git/refs.hpp>
#include <jailed/work/git/lfs.hpp>

namespace jailed::work {

// Files of LFS are named by the hash of their content; git-lfs checks it when it uses them.
std::size_t take_lfs_objects(const std::string& shadow, const std::string& common_dir) {
  constexpr std::size_t most = 100000;
  auto from = host::open_directory_below(shadow, "lfs/objects");
  if (!from) return errno == ENOENT ? 0 : 1;
  // The way there may belong to somebody who is not the caller.
  const auto to = host::open_exactly(common_dir);
  std::size_t left = 0;
  const bool all = host::walk_entries(std::move(from), most, [&](const host::WalkedEntry& entry) {
    const std::string name = entry.name;
    if (S_ISREG(entry.info.st_mode) && name.size() == 64 && plan::is_object_id(name) &&
        entry.path == fmt::format("{}/{}/{}", name.substr(0, 2), name.substr(2, 2), name) &&
        !host::give_beneath(entry, to, "lfs/objects/" + entry.path))
      ++left;
    return entry.path.size() < 6;  // ab/cd is as deep as it goes
  });
  return all ? left : left + 1;
}

}  // namespace jailed::work
