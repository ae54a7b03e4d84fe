"""jailed build, with builders that are scripts."""
import pytest

# What a client does with --iidfile.
WRITES_ID = """
for word; do
  if [ "$last" = --iidfile ]; then id=$word; fi
  last=$word
done
"""


def writes(first: str, second: str, then: str = "") -> str:
    return WRITES_ID + f'if [ -e "$fake/built" ]; then printf %s "{second}" >"$id"; {then or ":"}; else printf {first} >"$id"; : >"$fake/built"; fi'


def removed(host) -> list[list[str]]:
    return [call.args for call in host.fakes.called("rmi")]


def test_an_update_leaves_no_image_without_a_name(host):
    host.fakes.on("build", writes("sha256:1", "sha256:2"))
    assert host.run("build", "--update").code == 0
    assert removed(host) == [["rmi", "sha256:1"]]
    first, second = host.fakes.called("build")
    assert "--tag" not in first.args and "--tag" in second.args
    assert first.values("--iidfile") != second.values("--iidfile")


def test_an_update_that_changes_nothing_removes_nothing(host):
    host.fakes.on("build", writes("sha256:1", "sha256:1"))
    assert host.run("build", "--update").code == 0
    assert removed(host) == []


def test_an_update_that_fails_in_the_middle_leaves_no_image(host):
    host.fakes.on("build", writes("sha256:1", "", "exit 1"))
    assert host.run("build", "--update").code == 125
    assert removed(host) == [["rmi", "sha256:1"]]


def test_a_build_without_update_asks_for_no_id(host):
    assert host.run("build").code == 0
    assert removed(host) == [] and not host.fakes.called("build")[0].values("--iidfile")


@pytest.mark.parametrize("said", [
    ["Step 1/33 : ARG BASE=debian", "Step 2/33 : FROM ${BASE}", "pull access denied for no-such-base"],
    ["#1 [internal] load build definition from Dockerfile", "#3 [internal] load metadata for docker.io/library/no-such-base:1", "#3 ERROR: not there",
     "pull access denied for no-such-base"],
    ["STEP 1/33: FROM no-such-base:1", "pull access denied for no-such-base"],
], ids=["classic", "buildkit", "buildah"])  # fmt: skip
def test_a_base_image_that_is_not_to_be_had_is_one_line(host, said):
    host.fakes.on("build", "\n".join(f"echo '{line}'" for line in said) + "\nexit 1")
    result = host.run("build", "--base", "no-such-base:1")
    assert result.code == 125
    assert [line.removeprefix("[jailed] ") for line in result.err.splitlines()[1:]] == [
        "The base image no-such-base:1 cannot be had: pull access denied for no-such-base",
        f"  see whether its name is right, and fetch or load it: {host.fakes.calls[0].program} pull no-such-base:1",
    ]


def test_a_later_step_that_fails_is_not_about_the_base(host):
    host.fakes.on("build", "echo 'Step 2/33 : FROM x'; echo 'Step 3/33 : RUN y'; echo broken; exit 1")
    result = host.run("build")
    assert result.code == 125 and "base image" not in result.err and "broken" in result.err
