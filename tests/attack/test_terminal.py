"""What a jail could do to the caller's terminal, and what jailed itself prints of names that the jail made up."""
import shutil
import time

import pexpect
import pytest

from support.jail import Host

# Puts a line into the input queue of its terminal, as if it had been typed.
TYPE = "import fcntl, sys, termios\ntry:\n  for c in b'touch typed\\n': fcntl.ioctl(0, termios.TIOCSTI, bytes([c]))\n  print('put', flush=True)\nexcept OSError as e: print('refused', e, flush=True)"


def typed_after(host: Host, words: list) -> bool:
    """Whether a shell at a terminal, after it has run this, runs what was put into its terminal's queue."""
    place = host.directory(f"shell-{len(list(host.root.iterdir()))}")
    line = " ".join(f"'{word}'" if str(word).isalnum() is False else str(word) for word in words)
    script = host.write(host.root / f"{place.name}.sh", f"cd {place}\n{line}\n")
    session = host.terminal(command=[*map(str, host.caller.argv(["bash", "--norc", "-i"]))])
    session.sendline(f". {script}")
    session.expect(["put", "refused"], timeout=40)
    time.sleep(0.5)
    session.sendline("echo o''ver")
    session.expect("over", timeout=20)
    session.sendline("exit")
    session.expect(pexpect.EOF)
    return (place / "typed").exists()


@pytest.fixture
def typist(host) -> str:
    """The program, in the project."""
    host.project()
    return host.write(host.root / "project/typist.py", TYPE).name


def test_a_jail_types_nothing_into_the_caller_s_shell(host, typist, told):
    assert not typed_after(host, [host.binary, *host.bind(), "--", "python3", typist])
    told("21-type-into-the-caller-s-shell", "nothing is typed")


def test_who_is_entered_types_nothing_into_the_caller_s_shell(host, typist, told):
    name = host.run("--detach", *host.bind()).ok().text.strip()
    assert not typed_after(host, [host.binary, "exec", name, "--", "python3", typist])
    host.run("stop", name).ok()
    told("21-type-into-the-caller-s-shell-by-exec", "nothing is typed")


def test_without_a_jail_it_types(host, typist):
    """The control: the same program on the same terminal."""
    try:
        with open("/proc/sys/dev/tty/legacy_tiocsti", encoding="ascii") as file:
            if file.read().strip() == "0":
                pytest.skip("this kernel refuses TIOCSTI to everybody")
    except FileNotFoundError:
        pass  # older than the switch
    assert typed_after(host, ["/usr/bin/python3", host.root / "project" / typist])


# --- names ----------------------------------------------------------------------------------------------------------

NAME = "a\x1b]0;title\x07\x1b[31mred\rback\x9b2J\u202e"


def raw(text: str) -> set[str]:
    """What a terminal would obey."""
    return {character for character in text if (ord(character) < 32 and character != "\n") or 0x7F <= ord(character) < 0xA0}


PLANT = f"import os\nn = {NAME!r}\nos.symlink('/nowhere/' + n, n)\nos.makedirs(n + 'd/.git')\nopen(n + 'd/.git/HEAD', 'w').write('x')\nopen(n + '.envrc', 'w')\nos.makedirs(n + 'e')\nopen(n + 'e/.envrc', 'w').write('x')"


def test_names_that_the_jail_made_up_are_printed_harmless(host, told):
    project = host.project()
    result = host.jail("python3", "-c", PLANT)
    assert NAME in {path.name for path in host.config.glob("sessions/*/quarantine/*")} | {path.name.removesuffix("e") for path in project.iterdir()}
    assert "moved away" in result.errors and "title" in result.errors, result.errors
    assert not raw(result.errors), raw(result.errors)
    text = "".join(path.read_text() for path in host.config.glob("sessions/*/quarantine.txt"))
    assert "title" in text and not raw(text)
    for session in host.config.glob("sessions/*"):
        shutil.rmtree(session)
    told("21-escape-sequences-in-names", "printed as text")


def test_a_name_as_it_is_would_be_obeyed(host):
    """The control: what `ls` says of the same directory into a pipe has them raw."""
    project = host.project()
    (project / NAME).touch()
    assert raw("\n".join(path.name for path in project.iterdir())) >= {"\x1b", "\x07", "\r"}
