#include <unistd.h>

#include <filesystem>
#include <jailed/host/files/files.hpp>

#include "catch.hpp"
#include "support.hpp"

using jailed::host::foreign_symlink;
namespace fs = std::filesystem;

TEST_CASE("a link of somebody else's on the way is found, wherever it stands", "[host]") {
  const jailed::host::TemporaryDirectory here(fs::temp_directory_path().string(), "jailed-unit-");
  const auto root = here.path();
  fs::create_directories(root + "/real/project");
  fs::create_directory_symlink(root + "/real", root + "/link");
  fs::create_directory_symlink("link", root + "/second");
  fs::create_directory_symlink("loop", root + "/loop");
  const auto caller = ::geteuid();

  CHECK(foreign_symlink(root + "/real/project", caller).empty());
  CHECK(foreign_symlink(root + "/link/project", caller).empty());
  CHECK(foreign_symlink(root + "/missing/x", caller).empty());
  CHECK(foreign_symlink(root + "/loop", caller).empty());
  CHECK(foreign_symlink("/", caller).empty());
  if (caller != 0) return;  // only root can give a link away
  REQUIRE(::lchown((root + "/link").c_str(), 12345, 12345) == 0);
  CHECK(foreign_symlink(root + "/link/project", caller) == root + "/link");
  CHECK(foreign_symlink(root + "/real/../link/./project", caller) == root + "/link");
  CHECK(foreign_symlink(root + "/second/project", caller) == root + "/link");
  CHECK(foreign_symlink(root + "/link/project", 12345).empty());
}
