"""Trees that a jail made to hold jailed up, at its end or at the next launch: jailed's time and memory have a bound, and what it says stays true."""
import os
import shlex
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from harness import CAN_MOUNT, STRANGER, Host
from test_host_execution import jail, put, quarantined

MEMORY = 1 << 30


@pytest.fixture
def memory_host(base):
    """A host on a file system in memory: on a busy disk the making of so many names takes minutes, and to remove them as many."""
    if not CAN_MOUNT:
        pytest.skip("needs root, for a file system in memory")
    place = Path(tempfile.mkdtemp(prefix="memory-", dir=base))
    subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place], check=True)
    try:
        directory = place / "host"
        directory.mkdir(mode=0o755)
        yield Host(directory, STRANGER, "docker")
    finally:
        subprocess.run(["/usr/bin/umount", "--lazy", place], check=True)


def made_by(host, script: str) -> str:
    """Shell words that run this Python in the project."""
    path = host.directory / "make.py"
    path.write_text(script)
    return f"/usr/bin/python3 {shlex.quote(str(path))}"


def test_a_name_is_no_pattern(host):
    """A link's target was one: [1] did not mean the file of that name, and many stars took for ever."""
    put(host, "en[dev]")
    (host.project / ".envrc").symlink_to("en[dev]")
    put(host, "b/" + "*a" * 40 + "b")
    (host.project / "b/.envrc").symlink_to("*a" * 40 + "b")
    put(host, "a" * 200)
    host.give(host.project)
    began = time.monotonic()
    report = jail(host, "echo evil >'en[dev]'")
    assert any("changed en[dev]" in line for line in report)
    assert time.monotonic() - began < 10


def test_a_file_that_an_envrc_names_is_the_user_s_own_whatever_its_name_holds(host):
    """It was not remembered, so it was taken for the jail's and moved away at each end."""
    for name in ("conf[1].sh", "a*.sh", "a?.sh"):
        put(host, name)
    put(host, ".envrc", ". ./conf[1].sh\n. ./a*.sh\n. ./a?.sh\n")
    assert jail(host) == [] and host.sessions == []
    assert any("a?.sh" in line for line in jail(host, "echo >a?.sh"))
    assert (host.project / "a*.sh").exists()


def test_a_large_envrc_linked_many_times_takes_no_memory(host):
    put(host, "a")
    put(host, ".envrc", "".join(f". {number:x}\n" for number in range(100_000)))
    for number in range(200):
        (host.project / str(number)).mkdir()
        os.link(host.project / ".envrc", host.project / str(number) / ".envrc")
    host.give(host.project)
    result = host.run_within(MEMORY, ".", "--", "true", timeout=60)
    assert result.code == 0 and result.err.count("names more files than jailed watches") == 1


def test_a_hundred_thousand_planted_files_are_moved_away_in_little_time(memory_host):
    """Each was compared with all that had been moved before."""
    host = memory_host
    make = made_by(host, "import os\nfor n in range(100_000):\n os.mkdir(f'd{n}'); open(f'd{n}/.envrc', 'w').close()")
    host.fakes.on("run", f"cd {shlex.quote(str(host.project))} && {make}")
    began = time.monotonic()
    result = host.run_within(MEMORY, ".", "--", "true", timeout=120)
    assert result.code == 0 and len(quarantined(host)) == 100_000
    assert len(result.err.splitlines()) < 5000 and "more moved away: see" in result.err
    (session,) = host.sessions
    with open(host.config / "sessions" / session / "quarantine.txt") as list_:
        assert sum(line.startswith("mv ") for line in list_) == 100_000
    assert time.monotonic() - began < 60


def test_a_chain_of_directories_with_something_in_each_is_bounded(memory_host):
    """No path leads as far as this; each name of it would be as long as all above it."""
    host = memory_host
    make = made_by(host, "import os\nfor n in range(15_000):\n open('.envrc', 'w').close(); os.mkdir('a'); os.chdir('a')")
    host.fakes.on("run", f"cd {shlex.quote(str(host.project))} && {make}")
    result = host.run_within(MEMORY, ".", "--", "true", timeout=60)
    assert result.code == 0
    assert "unreadable a/a/a/" in result.err and len(quarantined(host)) > 2000


def test_a_flood_in_a_repository_hides_no_hook(memory_host):
    """After 200,000 names the look at a repository that the jail could write ended without a word."""
    host = memory_host
    for number in range(70):  # more than are mounted read-only
        for name in ("objects", "refs", "hooks"):
            (host.project / f"r{number:02}.git" / name).mkdir(parents=True)
        put(host, f"r{number:02}.git/HEAD", "ref: refs/heads/main\n")
    make = made_by(host, "import os\nos.mkdir('r69.git/aaa')\nfor n in range(200_001): os.mkdir(f'r69.git/aaa/{n}')\nopen('r69.git/hooks/post-update', 'w').close()")
    host.fakes.on("run", f"cd {shlex.quote(str(host.project))} && {make}")
    result = host.run(".", "--", "true", timeout=60)
    assert result.code == 0 and "r69.git/hooks/post-update" in result.err
    assert not (host.project / "r69.git/hooks/post-update").exists()


def test_links_that_cost_a_jail_nothing_cost_no_memory_to_remove(memory_host):
    """In the repository of a jail, which goes with its session; each name was in memory."""
    host = memory_host
    make = made_by(host, "import os\nos.mkdir('f')\nopen('f/0', 'w').close()\nfor n in range(200_000): os.link('f/0', f'f/{n:x}'.ljust(240, 'x'))")
    host.fakes.on("run", f'cd "$(session "$@")/git" && {make}')
    result = host.run_within(MEMORY // 12, ".", "--", "true", timeout=120)
    assert (result.code, result.err, host.sessions) == (0, "", [])


def test_a_million_names_are_walked_twice_in_the_time_of_their_number(memory_host):
    """Both looks at a project, at the launch and at the end: ten times the names take about ten times as long."""
    host = memory_host
    took = []
    for directories in (100, 1000):
        for number in range(directories):
            place = host.project / f"{directories}/{number}"
            place.mkdir(parents=True)
            (place / "0").touch()
            for name in range(1, 1000):
                os.link(place / "0", f"{place}/{name}")
        began = time.monotonic()
        assert host.run_within(MEMORY, ".", "--", "true", timeout=60).code == 0
        took.append(time.monotonic() - began)
    assert took[1] < 30 * took[0] + 2, took
