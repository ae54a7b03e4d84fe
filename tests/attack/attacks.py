"""The attacks: what each probe has to see in the default jail, on every engine. Exact outcomes, not just "failed"."""
from __future__ import annotations

from typing import Union

from support.jail import GVISOR

Outcome = Union[str, frozenset]


def one_of(*outcomes: str) -> frozenset:
    return frozenset(outcomes)


# By probes of syscalls.c.
SYSTEM_CALLS: dict[str, Outcome] = {
    "10-remount-root": "EPERM",
    "17-ptrace-attach": "EPERM",
    "17-ptrace-seize": "EPERM",
    "17-process-vm-readv": "EPERM",
    "17-pidfd-getfd": "EPERM",
    "17-kcmp": "EPERM",
    "17-trace-own-child": "usable",
    "18-setuid": "EPERM",
    "18-setgid": "EPERM",
    "18-setgroups": "EPERM",
    "23-mount-tmpfs": "EPERM",
    "23-mount-proc": "EPERM",
    "23-mount-bind": "EPERM",
    "23-fsopen": "EPERM",
    "23-open-tree": "EPERM",
    "24-chroot": "EPERM",
    "24-pivot-root": "EPERM",
    "25-setns-of-1": "EACCES",
    "25-setns-own": "EPERM",
    "26-unshare-user": "EPERM",
    "26-unshare-mount": "EPERM",
    "26-unshare-net": "EPERM",
    "26-clone-user": "EPERM",
    "26-clone3-user": "ENOSYS",
    "26-unmount-mask": "EPERM",
    "27-mknod-disk": "EPERM",
    "27-mknod-memory": "EPERM",
    # Kernels without these files answer ENOENT.
    "29-sysrq-trigger": one_of("EACCES", "EROFS", "ENOENT"),
    "29-core-pattern": one_of("EACCES", "EROFS"),
    "29-uevent-helper": one_of("EACCES", "EROFS", "ENOENT"),
    "29-binfmt-misc": one_of("EACCES", "EROFS", "ENOENT"),
    "29-sethostname": "EPERM",
    "30-mount-cgroup": "EPERM",
    "31-io-uring": "EPERM",
    "31-keyctl": "EPERM",
    "31-add-key": "EPERM",
    "31-request-key": "EPERM",
    "31-userfaultfd": "EPERM",
    "31-bpf": "EPERM",
    "31-perf-event-open": "EPERM",
    "31-open-by-handle-at": "EPERM",
    "31-kexec-load": "EPERM",
    "31-init-module": "EPERM",
    "31-finit-module": "EPERM",
    "31-reboot": "EPERM",
    "31-swapon": "EPERM",
    "31-clock-settime": "EPERM",
    "31-syslog": "EPERM",
    "31-iopl": one_of("EPERM", "ENOSYS"),
    "31-fanotify": "EPERM",
    "31-int-0x80": one_of("SIGSYS", "SIGSEGV", "ENOSYS", "none here"),
    "31-x32": one_of("SIGSYS", "ENOSYS", "none here"),
    "32-af-packet": "EPERM",
    "32-raw-icmp": "EPERM",
    "32-netfilter": "EPROTONOSUPPORT",
    "32-af-alg": "EPERM",
    "32-af-bluetooth": "EPERM",
    "33-af-vsock": "EPERM",
    "36-raise-priority": "EACCES",
    "36-raise-open-files": "EPERM",
}

# By probes of inside.py.
FILES_AND_PROCESSES: dict[str, Outcome] = {
    "1-write-etc": "EROFS",
    "1-write-usr-bin": "EROFS",
    "1-write-opt": "EROFS",
    "1-write-var-lib": "EROFS",
    "1-write-root": "EROFS",
    "1-write-usr-libexec-jailed": "EROFS",
    "1-write-world-writable": "EROFS",
    "1-replace-passwd": one_of("EROFS", "EACCES"),
    "2-read-host-home": "ENOENT",
    "2-read-host-secret": "ENOENT",
    "3-secret-stores": "absent",
    "4-other-routes": "nothing",
    "4-search-writable-places": "nothing",
    "5-sibling-prefix": "ENOENT",
    "5-parent-of-project": "the jail's own root",
    "6-start-up-files": "memory",
    "7-symlink-outwards": "ENOENT",
    "8-hard-link": "EXDEV",
    "9-root-of-1": "EACCES",
    "9-own-root": "the jail's own",
    "10-rename-mount": "EBUSY",
    "10-rename-workspace": one_of("EROFS", "EBUSY", "EACCES"),
    "10-rename-jailed-files": one_of("EROFS", "EBUSY", "EACCES"),
    "15-host-processes": "invisible",
    "15-kill-host-process": "ESRCH",
    "16-environ-of-1": "EACCES",
    "16-maps-of-1": "EACCES",
    "16-mem-of-1": "EACCES",
    "16-fd-of-1": "EACCES",
    "16-cwd-of-1": "EACCES",
    "16-exe-of-1": "EACCES",
    "18-setuid-copy": "no gain",
    "18-setuid-root-file": "no gain",
    "18-file-capability": "no gain",
    "18-setuid-in-image": "none",
    "18-capability-sets": "empty",
    "18-no-new-privileges": "set",
    "18-uid": "not root",
    "19-sudo-su": "fail",
    "20-environment": "not inherited",
    "21-descriptors": "0 1 2",
    "21-umask": "022",
    "21-signals": "default",
    "21-working-directory": "the project's own path",
    "21-core-files": "none",
    "28-memory-devices": "absent",
    "28-devices": "only the harmless",
    "28-disk-devices": "absent",
    "29-masked-files": "empty",
    "29-write-proc-sys": one_of("EROFS", "EACCES"),
    "29-proc-sys-mount": "read-only",
    "29-write-sys": "read-only",
    "30-release-agent": "not writable",
    "30-new-cgroup": "refused",
    "30-raise-own-limit": "not writable",
    "34-engine-sockets": "no reply",
    "34-any-socket": "none",
    "34-engine-clients": "absent",
    "35-desktop-sockets": "absent",
    "35-abstract-socket": "ECONNREFUSED",
    "36-processes": "EAGAIN",
    "38-tmpfs-sizes": "bounded",
    "38-mount-flags": "nosuid,nodev",
    "38-inodes-of-tmp": "bounded",
    "38-fill-tmp": "ENOSPC",
    "38-fill-var-tmp": "ENOSPC",
    "38-fill-run": "ENOSPC",
    "38-fill-dev-shm": "ENOSPC",
    "38-fill-home": "ENOSPC",
    "54-host-loopback-v4": "ECONNREFUSED",
    "54-host-loopback-v6": one_of("ECONNREFUSED", "EADDRNOTAVAIL"),
    "59-swap-state-for-symlink": "EBUSY",
}

# A kernel of the jail's own has answers of its own: permissions are looked at before the mount's flags, and what it does not have it
# cannot be asked for.
IN_GVISOR: dict[str, Outcome] = {
    "17-process-vm-readv": "ENOSYS",
    "17-pidfd-getfd": "ENOSYS",
    "25-setns-of-1": "ENOENT",
    "27-mknod-disk": "a name without a device",
    "27-mknod-memory": "a name without a device",
    "29-core-pattern": "ENOENT",
    "29-write-proc-sys": "ENOENT",
    "31-int-0x80": "no 32-bit call",
    "31-open-by-handle-at": "EOPNOTSUPP",
    "31-x32": "EPERM",
    "32-netfilter": "EPERM",
    **{f"1-write-{name}": "EACCES" for name in ("etc", "usr-bin", "opt", "var-lib", "root", "usr-libexec-jailed")},
}

EXPECTED = {**SYSTEM_CALLS, **FILES_AND_PROCESSES, **(IN_GVISOR if GVISOR else {})}

# Ends the whole sandbox there, and the other probes with it, so it gets a jail of its own.
ENDS_THE_JAIL = frozenset({"36-processes"} if GVISOR else ())

# What an engine cannot do here, and why; the matrix prints these words instead of a tick.
CANNOT = {
    "docker-runsc": {
        "16-environ-of-1": "gVisor does not know PR_SET_DUMPABLE's rule for /proc; its process 1 holds no lease",
        "16-maps-of-1": "gVisor does not know PR_SET_DUMPABLE's rule for /proc; its process 1 holds no lease",
        "16-fd-of-1": "gVisor does not know PR_SET_DUMPABLE's rule for /proc; its process 1 holds no lease",
        "28-devices": "gVisor has a /dev/fuse that leads to gVisor's own kernel only",
        "29-proc-sys-mount": "gVisor has no statvfs there; it has no file below /proc/sys that could be written (29-write-proc-sys)",
        "38-inodes-of-tmp": "gVisor counts no inodes; its memory limit bounds them",
        "36-processes": "who meets the limit ends the whole jail, not with EAGAIN: 36-limit-ends-the-jail",
        "36-raise-priority": "gVisor keeps the number for itself; no priority on the host changes",
        "38-mount-flags": "gVisor does not say nosuid and nodev; set-uid files (18) and devices (27) mean nothing there",
    },
    "podman": {"38-inodes-of-tmp": "podman refuses nr_inodes; the memory limit bounds inodes"},
    "podman-rootless": {"38-inodes-of-tmp": "podman refuses nr_inodes; the kernel's default (half the pages of memory) bounds inodes"},
}


def fits(outcome: str, expected: Outcome) -> bool:
    return outcome in expected if isinstance(expected, frozenset) else outcome == expected
