#include <catch.hpp>
#include <filesystem>
#include <fstream>
#include <jailed/host/files/files.hpp>
#include <jailed/host/machine/kernel.hpp>

using namespace jailed::host;

namespace {

// A root of its own, in which the kernel says what the test wants.
class FakeRoot {
 public:
  FakeRoot() : directory_(std::filesystem::temp_directory_path().string(), "jailed-kernel-") {}
  std::string path() const { return directory_.path(); }
  void write(const std::string& name, const std::string& text) const {
    const auto file = std::filesystem::path(path() + name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

 private:
  TemporaryDirectory directory_;
};

}  // namespace

TEST_CASE("SELinux enforces when the kernel says 1", "[host]") {
  const FakeRoot root;
  CHECK_FALSE(selinux_enforces(root.path()));
  for (const auto& [text, enforces] : std::initializer_list<std::pair<std::string, bool>>{
           {"0", false}, {"1", true}, {"1\n", true}, {"", false}, {"permissive", false}}) {
    CAPTURE(text);
    root.write("/sys/fs/selinux/enforce", text);
    CHECK(selinux_enforces(root.path()) == enforces);
  }
}

TEST_CASE("a user's cgroup: none, version 1, version 2 with and without delegation", "[host]") {
  const FakeRoot root;
  CHECK_FALSE(user_cgroup(7, root.path()));
  root.write("/sys/fs/cgroup/memory/tasks", "");
  root.write("/sys/fs/cgroup/unified/cgroup.controllers",
             "");  // the hybrid layout: nothing can be delegated in it
  REQUIRE(user_cgroup(7, root.path()));
  CHECK_FALSE(user_cgroup(7, root.path())->unified);
  root.write("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
  CHECK(user_cgroup(7, root.path())->unified);
  CHECK(user_cgroup(7, root.path())->controllers.empty());
  root.write("/sys/fs/cgroup/user.slice/user-7.slice/user@7.service/cgroup.controllers", "memory pids\n");
  CHECK(user_cgroup(7, root.path())->controllers == "memory pids\n");
  CHECK(user_cgroup(8, root.path())->controllers.empty());
}

TEST_CASE("the beginning of a file", "[host]") {
  const FakeRoot root;
  root.write("/file", "0123456789");
  CHECK(read_beginning(root.path() + "/file", 4) == "0123");
  CHECK(read_beginning(root.path() + "/file", 40) == "0123456789");
  CHECK(read_beginning(root.path() + "/absent", 4).empty());
  CHECK(read_beginning(root.path(), 4).empty());
}
