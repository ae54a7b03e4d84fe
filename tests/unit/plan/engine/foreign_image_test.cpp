#include <jailed/plan/engine/foreign_image.hpp>
#include <jailed/plan/engine/traits.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::plan;
using jailed::test::error_of;

TEST_CASE("an image is jailed's by the last component of its path", "[plan]") {
  for (const auto* own : {"jailed", "jailed:latest", "example.org:5000/team/jailed:1", "localhost/jailed@sha256:0"}) CHECK(is_named_jailed(own));
  for (const auto* other : {"debian:trixie", "jailed/debian", "notjailed:latest", "example.org/jailed-x:1", "x:jailed"}) CHECK_FALSE(is_named_jailed(other));
}

TEST_CASE("an image without the label of a build is somebody else's", "[plan]") {
  CHECK(is_foreign("\n"));
  CHECK(is_foreign("<no value>\n"));
  CHECK_FALSE(is_foreign("0.1.0\n"));
}

TEST_CASE("the annotations of an image are asked for where a container gets them, but of jailed's own", "[plan]") {
  const auto podman = *engine_named("podman", "podman", false);
  const auto docker = *engine_named("docker", "docker", false);
  for (const auto* other : {"debian:trixie", "example.org/jailed", "docker.io/evil/jailed:latest", "localhost/x"}) CHECK(image_annotations_command(podman, other));
  for (const auto* own : {"jailed", "jailed:e2e", "localhost/jailed:latest"}) CHECK_FALSE(image_annotations_command(podman, own));
  CHECK_FALSE(image_annotations_command(docker, "debian:trixie"));
}

TEST_CASE("an annotation that is no description is refused", "[plan]") {
  const auto podman = *engine_named("podman", "podman", false);
  const auto refused = [&](std::string_view answer) { return error_of([&] { check_annotations(podman, "x", answer); }).has_value(); };
  for (const auto* description : {"null\n", "{}\n", "{\"org.opencontainers.image.title\":\"t\",\"com.docker.x\":\"y\"}"}) CHECK_FALSE(refused(description));
  for (const auto* obeyed : {"{\"run.oci.handler\":\"krun\"}", "{\"org.opencontainersx\":\"\"}", "{\"ORG.opencontainers.\":\"\"}", "{\"\":\"\"}", "", "[]", "3", "no json"}) CHECK(refused(obeyed));
}
