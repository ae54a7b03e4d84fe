#include <jailed/plan/jail/caller_context.hpp>

#include "catch.hpp"

using namespace jailed::plan;

TEST_CASE("terminals that the image describes, and none that only looks like one", "[plan]") {
  for (const auto* name : {"xterm-ghostty", "xterm-kitty", "alacritty", "foot", "wezterm", "iterm2", "tmux-256color", "dumb",
                           "linux", "xterm-256color"}) {
    CAPTURE(name);
    CHECK(image_has_terminal(name));
  }
  for (const auto* name : {"", "xterm-", "xterm-256color ", "XTERM", "../x/xterm", "xterm-256colors"}) {
    CAPTURE(name);
    CHECK_FALSE(image_has_terminal(name));
  }
}

TEST_CASE("locales as glibc compares them", "[plan]") {
  for (const auto* name : {"C.UTF-8", "C.utf8", "C.UTF8"}) CHECK(image_locale(name) == "C.UTF-8");
  for (const auto* name : {"en_US.UTF-8", "en_US.utf8"}) CHECK(image_locale(name) == "en_US.UTF-8");
  for (const auto* name : {"C", "POSIX"}) CHECK(image_locale(name) == "C");
  for (const auto* name : {"", "UTF-8", "en_US", "en_US.ISO-8859-1", "de_DE.UTF-8", "en_US.UTF-8@x", "../C.UTF-8", ".utf8"}) {
    CAPTURE(name);
    CHECK_FALSE(image_locale(name));
  }
}

TEST_CASE("a time zone means the same in the jail", "[plan]") {
  CHECK(portable_time_zone("Europe/Berlin", "UTC") == "Europe/Berlin");
  CHECK(portable_time_zone("CET-1CEST,M3.5.0,M10.5.0/3", "UTC") == "CET-1CEST,M3.5.0,M10.5.0/3");
  CHECK(portable_time_zone(":/usr/share/zoneinfo/Asia/Tokyo", "UTC") == "Asia/Tokyo");
  CHECK(portable_time_zone("/etc/localtime", "Europe/Berlin") == "Europe/Berlin");
  CHECK(portable_time_zone(":", "Europe/Berlin").empty());
}

TEST_CASE("the caller's umask, where it says whom else the files are for", "[plan]") {
  CHECK(jail_umask(0002) == "0002");
  CHECK_FALSE(jail_umask(0022));
}

TEST_CASE("umasks that keep others out come along, those that let everybody write do not", "[plan]") {
  for (const mode_t mask : {0007U, 0027U, 0077U}) CHECK(jail_umask(mask).has_value());
  for (const mode_t mask : {0000U, 0020U, 0070U, 0722U, 0777U}) CHECK_FALSE(jail_umask(mask));
}
