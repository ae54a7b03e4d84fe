"""Proof that the probes can fail: the plan of the default jail with one wall taken down, and the probes that must notice.

The plan is what `jailed --dry-run` prints; the engine is called by the tests themselves, for jailed has no option that
weakens a jail.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Mapping

from stage import Stage

from support.jail import HOME, on_network

Change = Callable[[list, Stage], list]
ROOTFUL = frozenset({"docker", "podman"})
GVISOR = frozenset({"docker-runsc"})
PODMAN = frozenset({"podman", "podman-rootless"})
EVERY = ROOTFUL | PODMAN | GVISOR


@dataclass(frozen=True)
class Control:
    change: Change
    red: tuple[str, ...]
    engines: frozenset = EVERY
    why_not: str = ""  # of the engines that are left out
    env: Mapping[str, str] = field(default_factory=dict)
    may_hold: tuple[str, ...] = ()  # of `red`: what some versions of the engines refuse by themselves


def add(*options: str) -> Change:
    return lambda argv, stage: [*argv[: argv.index("run") + 1], *options, *argv[argv.index("run") + 1 :]]


def drop(option: str, starts: str = "") -> Change:
    """Without an option and its value (where that begins so)."""

    def change(argv: list, stage: Stage) -> list:
        kept, words = [], iter(argv)
        for word in words:
            if word == option:
                value = next(words)
                if value.startswith(starts):
                    continue
                kept += [word, value]
            else:
                kept.append(word)
        assert kept != argv, f"no {option} {starts} to take away"
        return kept

    return change


def drop_flag(option: str) -> Change:
    return lambda argv, stage: [word for word in argv if word != option]


def set_value(option: str, value: str) -> Change:
    def change(argv: list, stage: Stage) -> list:
        at = argv.index(option)
        return [*argv[: at + 1], value, *argv[at + 2 :]]

    return change


def edit(option: str, starts: str, how: Callable[[str], str]) -> Change:
    def change(argv: list, stage: Stage) -> list:
        changed = [how(word) if before == option and word.startswith(starts) else word for before, word in zip(["", *argv], argv)]
        assert changed != argv
        return changed

    return change


def mount(source: Callable[[Stage], object], target: Callable[[Stage], object]) -> Change:
    return lambda argv, stage: add("--mount", f"type=bind,source={source(stage)},target={target(stage)}")(argv, stage)


def without_size(options: str) -> str:
    return ",".join(part for part in options.split(",") if not part.startswith("size="))


def unsized(argv: list, stage: Stage) -> list:
    return set_value("--shm-size", "1g")(edit("--tmpfs", "/", without_size)(argv, stage), stage)


def leak_descriptor(argv: list, stage: Stage) -> list:
    return ["bash", "-c", 'exec 3<"$1"; shift; exec "$@"', "sh", str(stage.secret), *add("--preserve-fds", "1")(argv, stage)]


def no_limit_of_processes(argv: list, stage: Stage) -> list:
    # Rootless, a cgroup limit is only there where the kernel hands it to the user; the ulimit holds in any case.
    fewer = drop("--pids-limit")(argv, stage) if "--pids-limit" in argv or not stage.host.engine.rootless else argv
    return drop("--ulimit", "nproc=")(fewer, stage) if stage.host.engine.rootless else fewer


# All but those that a machine's own root may lack (CAP_SYS_RESOURCE in a container): an engine could not give them.
CAPABILITIES = (
    "SYS_ADMIN", "SYS_CHROOT", "SYS_PTRACE", "SYS_RAWIO", "SYS_MODULE", "SYS_BOOT", "SYS_TIME", "SYSLOG", "SYS_NICE", "NET_RAW", "NET_ADMIN",
    "DAC_READ_SEARCH", "MKNOD",
)  # fmt: skip


def nothing_left(argv: list, stage: Stage) -> list:
    """Root with capabilities, no filter, no masks: only the image and the project are the same."""
    image = next(place for place, word in enumerate(argv) if word.startswith("jailed:") or "/jailed:" in word)
    workspace = next(word for word in argv if word.endswith(f"target={stage.project}"))
    masks = "systempaths=unconfined" if stage.host.engine.client == "docker" else "unmask=ALL"
    limits = [] if stage.host.engine.client == "docker" else [word for word in argv if word.startswith(("nofile=", "nproc="))]
    limits = [word for limit in limits for word in ("--ulimit", limit)]
    return [*argv[: argv.index("run") + 1], "--rm", "--pull=never", "--user", "0:0", "--entrypoint", "", *limits,
            *(word for name in CAPABILITIES for word in ("--cap-add", name)), "--security-opt", "seccomp=unconfined", "--security-opt", masks,
            "--mount", workspace, "--workdir", str(stage.project), *argv[image:]]  # fmt: skip


def no_state(argv: list, stage: Stage) -> list:
    at = next(i for i, word in enumerate(argv) if word.endswith(f"target={HOME}/.claude"))
    return [*argv[: at - 1], *argv[at + 1 :]]


def no_masks(argv: list, stage: Stage) -> list:
    option = "systempaths=unconfined" if stage.host.engine.client == "docker" else "unmask=ALL"
    return add("--security-opt", option)(argv, stage)


CONTROLS: dict[str, Control] = {
    "privileged": Control(add("--privileged"), ("28-devices",)),
    "uid 0": Control(set_value("--user", "0:0"), ("18-uid",)),
    "one capability": Control(add("--cap-add", "SYS_CHROOT"), ("18-capability-sets",)),
    "no no-new-privileges": Control(
        drop("--security-opt", "no-new-privileges"), ("18-no-new-privileges", "18-setuid-root-file"), ROOTFUL,
        "root's setuid files mean nothing in the user namespace; the flag alone is probed"),  # fmt: skip
    "no no-new-privileges (flag)": Control(drop("--security-opt", "no-new-privileges"), ("18-no-new-privileges",)),
    "seccomp unconfined": Control(
        edit("--security-opt", "seccomp=", lambda _: "seccomp=unconfined"),
        ("26-unshare-user", "26-clone-user", "26-clone3-user", "31-io-uring", "31-keyctl", "31-int-0x80", "32-netfilter", "33-af-vsock")),
    # Docker refuses vsock itself since 23.
    "seccomp of the engine": Control(drop("--security-opt", "seccomp="), ("31-int-0x80", "32-netfilter", "33-af-vsock"), may_hold=("33-af-vsock",)),
    "writable root": Control(drop_flag("--read-only"), tuple(f"1-write-{name}" for name in ("etc", "usr-bin", "opt", "var-lib", "root", "usr-libexec-jailed"))),
    "host's pids": Control(add("--pid", "host"), ("15-host-processes", "15-kill-host-process")),
    "host's network": Control(lambda argv, stage: on_network("host", argv), ("35-abstract-socket", "54-host-loopback-v4")),
    "engine socket": Control(
        mount(lambda stage: stage.engine_socket, lambda _: "/run/docker.sock"), ("34-engine-sockets", "34-any-socket")),
    "$HOME mounted": Control(mount(lambda stage: stage.host.root / "home", lambda stage: stage.host.root / "home"), ("2-read-host-home",)),
    "~/.ssh mounted": Control(mount(lambda stage: stage.ssh, lambda _: f"{HOME}/.ssh"), ("3-secret-stores", "4-search-writable-places")),
    "neighbour mounted": Control(
        mount(lambda stage: stage.secret.parent, lambda stage: stage.secret.parent), ("2-read-host-secret", "4-other-routes", "7-symlink-outwards")),
    "neighbour by prefix": Control(
        mount(lambda stage: stage.secret.parent, lambda _: "/workspace-secret"), ("5-sibling-prefix", "5-parent-of-project")),
    "no limit of processes": Control(no_limit_of_processes, ("36-processes",)),
    "unsized tmpfs": Control(
        unsized, ("38-tmpfs-sizes", "38-fill-tmp", "38-fill-var-tmp", "38-fill-run", "38-fill-dev-shm", "38-fill-home")),
    "no limit of inodes": Control(
        edit("--tmpfs", "/tmp:", lambda o: ",".join(p for p in o.split(",") if not p.startswith("nr_inodes="))), ("38-inodes-of-tmp",),
        frozenset({"docker"}), "podman has no such option"),  # fmt: skip
    "tmpfs with suid": Control(edit("--tmpfs", "/tmp:", lambda o: o.replace("nosuid", "suid")), ("38-mount-flags",)),
    "inherited environment": Control(
        add("-e", "MY_TOKEN", "-e", "SSH_AUTH_SOCK", "-e", "NODE_OPTIONS"), ("20-environment", "35-desktop-sockets")),
    "inherited descriptor": Control(
        leak_descriptor, ("21-descriptors",), PODMAN, "the daemon starts the jail: no descriptor of a client can reach it"),
    "core files": Control(drop("--ulimit", "core="), ("21-core-files",)),
    "a disk": Control(add("--device", "/dev/null:/dev/sdz"), ("28-disk-devices", "28-devices")),
    "no masks on /proc": Control(no_masks, ("29-proc-sys-mount",)),
    "no init": Control(add("--entrypoint", ""), ("9-root-of-1", "16-environ-of-1", "16-maps-of-1", "16-fd-of-1", "16-mem-of-1", "16-cwd-of-1", "16-exe-of-1", "17-ptrace-seize", "17-process-vm-readv")),
    "another directory": Control(set_value("--workdir", "/tmp"), ("21-working-directory",)),
    "state that is no mount": Control(no_state, ("10-rename-mount", "59-swap-state-for-symlink")),
    "no wall at all": Control(
        nothing_left,
        ("10-remount-root", "17-kcmp", "18-setuid", "18-setgid", "18-setgroups", "23-mount-tmpfs", "23-mount-proc", "23-mount-bind", "23-fsopen",
         "23-open-tree", "24-chroot", "30-mount-cgroup", "25-setns-of-1", "25-setns-own", "26-unshare-mount", "26-unshare-net",
         "27-mknod-disk", "27-mknod-memory", "29-core-pattern", "29-sethostname", "31-add-key", "31-request-key", "31-userfaultfd", "31-bpf",
         "31-perf-event-open", "31-open-by-handle-at", "31-init-module", "31-finit-module",
         "31-reboot", "31-swapon", "31-clock-settime", "31-syslog", "31-fanotify", "32-af-packet", "32-raw-icmp",
         "36-raise-priority", "1-write-etc", "1-replace-passwd", "18-setuid-copy"),
        ROOTFUL, "the user namespace is a wall that only the kernel could take down"),  # fmt: skip
}

# Walls that gVisor has of its own: with these taken down in the plan, nothing is gained there.
HOLDS_IN_GVISOR = {
    "no no-new-privileges (flag)": "gVisor sets it always",
    "writable root": "root's directories are not the jail's user's to write to, which is said first",
    "host's pids": "gVisor's processes have a table of their own",
    "host's network": "gVisor runs without a network of the host's (--network=none among its runtime's arguments)",
    "engine socket": "gVisor mounts no socket of the host's",
    "no limit of processes": "the probe ends its jail there either way; 36-limit-ends-the-jail has its own control",
}
