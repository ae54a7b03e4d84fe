#include <jailed/cli/nearest.hpp>

#include "catch.hpp"

using jailed::cli::nearest;

namespace {
const std::vector<std::string> kOptions = {"--runtime", "--image", "--dry-run", "--env",
                                           "--user",    "--cpus",  "--pids"};
const std::vector<std::string> kCommands = {"build", "version", "help"};
}  // namespace

TEST_CASE("a slip finds the word that was meant", "[cli]") {
  CHECK(nearest("--dryrun", kOptions) == "--dry-run");
  CHECK(nearest("--runtme", kOptions) == "--runtime");
  CHECK(nearest("--imagee", kOptions) == "--image");
  CHECK(nearest("--enb", kOptions) == "--env");
  CHECK(nearest("bild", kCommands) == "build");
  CHECK(nearest("versoin", kCommands) == "version");
}

TEST_CASE("the fewest edits win, then the first", "[cli]") {
  CHECK(nearest("--cpds", {"--pids", "--cpus"}) == "--cpus");
  CHECK(nearest("ab", {"ax", "xb"}) == "ax");
}

TEST_CASE("a word that is like none finds none", "[cli]") {
  CHECK(nearest("--frobnicate", kOptions) == std::nullopt);
  CHECK(nearest("src", kCommands) == std::nullopt);
  CHECK(nearest("biuld", kCommands) == std::nullopt);  // two edits in five letters
  CHECK(nearest("", kCommands) == std::nullopt);
  CHECK(nearest("build", {}) == std::nullopt);
}
