#include <sys/stat.h>

#include <jailed/host/files/files.hpp>
#include <jailed/work/git/shapes.hpp>

namespace jailed::work {

bool is_real_directory(const std::string& path) {
  const auto info = host::lstat_of(path);
  return info && S_ISDIR(info->st_mode);
}

bool is_real_file(const std::string& path) {
  const auto info = host::lstat_of(path);
  return info && S_ISREG(info->st_mode);
}

bool is_real_below(const std::string& root, const std::string& path) {
  for (auto slash = path.find('/');; slash = path.find('/', slash + 1)) {
    if (!is_real_directory(root + "/" + path.substr(0, slash))) return false;
    if (slash == std::string::npos) return true;
  }
}

bool is_git_shape(const std::string& directory) {
  return host::lstat_of(directory + "/HEAD") && host::lstat_of(directory + "/objects") &&
         host::lstat_of(directory + "/refs");
}

}  // namespace jailed::work
