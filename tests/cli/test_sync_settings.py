"""<config>/sync.json: what Mutagen leaves out."""
import shutil
import subprocess

import pytest


@pytest.fixture
def synced(new_host):
    host = new_host("docker")
    host.install_mutagen(files=30000)
    return host


def write(host, text: str) -> None:
    host.mkdir("home/.config/jailed", 0o700)
    (host.config / "sync.json").write_text(text)
    host.give(host.home)


def created(host) -> list[str]:
    (call,) = [call for call in host.fakes.called("sync") if call.args[1] == "create"]
    return call.values("--ignore")


def test_patterns_reach_mutagen_and_none_takes_git_in(synced):
    write(synced, '{"ignore": ["/dist", "*.log", "!.git", "-x"]}')
    assert synced.run(".").code == 0
    assert created(synced) == ["/dist", "*.log", "!.git", "-x", ".[gG][iI][tT]"]
    line = next(line for line in synced.run("--dry-run", ".").out.splitlines() if " sync create " in line)
    assert "--ignore /dist --ignore '*.log' --ignore '!.git' --ignore -x --ignore-vcs --ignore '.[gG][iI][tT]' -- " in line


@pytest.mark.skipif(not shutil.which("git", path="/usr/bin"), reason="git is not installed")
def test_a_repository_in_the_project_is_left_out_whatever_its_name_holds(synced):
    """Its name was taken for a pattern, so the jail had the repository itself, and its hooks came home."""
    project = synced.mkdir("project")
    subprocess.run(["/usr/bin/git", "init", "-q", "--separate-git-dir", str(project / "[b]a*re"), str(project)], check=True, env={"HOME": str(synced.home)})
    synced.give(synced.directory)
    assert synced.run(".", "--", "true").code == 0
    assert created(synced) == ["/\\[b\\]a\\*re", ".[gG][iI][tT]"]


def test_none_without_the_file(synced):
    assert synced.run(".").code == 0
    assert created(synced) == [".[gG][iI][tT]"]


@pytest.mark.parametrize("text, said", [("{", "not JSON, line 1"), ("[]", "must be a JSON object"),
                                        ('{"ignore": 3}', "'ignore' must be a list of patterns")])  # fmt: skip
def test_a_wrong_file_is_a_line_and_nothing_is_made(synced, text, said):
    write(synced, text)
    before = synced.snapshot()
    for words in (["."], ["--dry-run", "."]):
        result = synced.run(*words)
        assert (result.code, result.out) == (2, "")
        assert result.err == f"[jailed] {synced.config}/sync.json: {said}.\n[jailed]   an example: {{\"ignore\": [\"/dist\", \"*.log\"]}}\n"
    assert [call.args[0] for call in synced.fakes.calls] == ["version", "version"]
    after = [entry for entry in synced.snapshot() if entry not in before]
    assert not any("sessions/" in path for path, _ in after)


def test_bind_mode_does_not_read_it(synced):
    write(synced, "{")
    assert synced.run("--sync", "bind", ".").code == 0


def test_a_large_tree_is_told_with_what_to_leave_out(synced):
    modules = synced.mkdir("project/node_modules")
    for number in range(1200):
        (modules / str(number)).touch()
    synced.fakes.on("sync", 'case $2 in list) /bin/cat "$fake/state";; flush) /bin/sleep 0.7;; esac')  # long enough to be looked at
    write(synced, '{"ignore": ["*.log"]}')
    result = synced.run(".")
    assert result.code == 0
    assert result.err.splitlines() == [
        "[jailed] The project has 30000 files: 1200 in node_modules. A jail that builds these itself starts quicker without them.",
        f'[jailed]   in {synced.config}/sync.json: {{"ignore":["*.log","/node_modules"]}}']
    assert synced.run("-q", ".").err == ""
    write(synced, '{"ignore": ["/node_modules"]}')
    assert synced.run(".").err == ""


EMPTY = "Error: unable to connect to beta: unable to dial agent endpoint: unable to probe container: empty POSIX environment"


def on_create(host, words: str) -> None:
    """Does this for each `sync create`, of which $count is the number."""
    host.fakes.on("sync", f"""case $2 in
  list) /bin/cat "$fake/state" ;;
  create) echo x >>"$fake/count"; count=$(/usr/bin/wc -l <"$fake/count"); {words} ;;
esac""")


def creates(host) -> int:
    return len([call for call in host.fakes.called("sync") if call.args[1] == "create"])


def test_an_exec_that_brings_no_output_home_is_asked_again(synced):
    """As podman's on another machine does at times: the launch ended."""
    on_create(synced, f'[ "$count" -gt 2 ] || {{ echo "{EMPTY}" >&2; exit 1; }}')
    assert synced.run(".").code == 0
    assert creates(synced) == 3


def test_not_for_ever_and_nothing_else(synced):
    on_create(synced, f'echo "{EMPTY}" >&2; exit 1')
    result = synced.run(".")
    assert (result.code, creates(synced)) == (125, 3) and "empty POSIX environment" in result.err
    on_create(synced, 'echo "Error: no space left on device" >&2; exit 1')
    result = synced.run(".")
    assert (result.code, creates(synced)) == (125, 4) and "no space left" in result.err
