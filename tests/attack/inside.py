"""Probes that run inside the jail, by the image's own Python: files, processes, sockets, what was inherited.

    inside.py [NAME...]      one line each: NAME OUTCOME

OUTCOME is the name of the error that the kernel gave, a plain word for "as it should be", or "BREACH" and what was got.
Facts about the host that no probe could guess (where its canaries are) are in facts.json beside this file.
"""
import ctypes
import errno
import glob
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FACTS = json.loads((HERE / "facts.json").read_text())
CANARY = FACTS["canary"]
PROBES = {}


def probe(name):
    def add(function):
        PROBES[name] = function
        return function

    return add


def attempt(action, got):
    """The error's name, or a breach."""
    try:
        result = action()
    except OSError as error:
        return errno.errorcode[error.errno]
    if callable(got):
        got = got(result)
    return f"BREACH {got}" if got else "nothing"


def breach_if(found, fine):
    return f"BREACH {found}" if found else fine


# --- files ------------------------------------------------------------------------------------------------


def write_below(directory):
    path = Path(directory, "made-by-the-probe")

    def write():
        path.write_text("x")
        path.unlink()

    return attempt(write, f"wrote in {directory}")


for place in ("/etc", "/usr/bin", "/opt", "/var/lib", "/", "/usr/libexec/jailed"):
    probe(f"1-write-{place.strip('/').replace('/', '-') or 'root'}")(lambda place=place: write_below(place))


@probe("1-write-world-writable")
def _():
    """Where modes alone would let anyone write: only the read-only mount says no."""
    places = [path for path in ("/var/lock", "/var/spool/mail", "/usr/local/share/zsh/completions", "/var/jailed-probe") if os.path.isdir(path)]
    outcomes = {write_below(path) for path in places if os.stat(path).st_mode & 0o002}
    return " ".join(sorted(outcomes)) or "EROFS"  # no such place is as good


@probe("1-replace-passwd")
def _():
    return attempt(lambda: open("/etc/passwd", "a", encoding="utf-8").close(), "opened for writing")


@probe("2-read-host-home")
def _():
    return attempt(lambda: os.listdir(FACTS["home"]), "listed the home of the host's user")


@probe("2-read-host-secret")
def _():
    return attempt(lambda: open(FACTS["secret"], encoding="utf-8").read(), "read the secret")


@probe("3-secret-stores")
def _():
    stores = (".ssh", ".aws", ".docker", ".npmrc", ".gnupg", ".netrc", ".kube", ".config/gcloud", ".git-credentials", ".pypirc")
    found = [name for name in stores if os.path.lexists(Path.home() / name)]
    found += [str(path) for path in Path.home().glob(".config/gh/hosts.yml") if CANARY in path.read_text()]
    return breach_if(found, "absent")


@probe("4-other-routes")
def _():
    """The secret's path again, below every mount and every link into other roots."""
    mounts = {line.split()[4] for line in open("/proc/self/mountinfo", encoding="utf-8")}
    roots = [*mounts, "/proc/self/root", "/proc/1/root", "/proc/1/cwd", "/proc/self/cwd/..", "/workspace/../..", "/host", "/rootfs", "/mnt"]
    tails = [FACTS["secret"], os.path.relpath(FACTS["secret"], os.path.dirname(FACTS["project"]))]
    found = []
    for root in roots:
        for tail in tails:
            try:
                if CANARY in Path(f"{root}/{tail}").read_text():
                    found.append(f"{root}/{tail}")
            except OSError:
                pass
    return breach_if(found, "nothing")


@probe("4-search-writable-places")
def _():
    """Every small file of what is not the image: no canary but this directory's own."""
    done = subprocess.run(
        ["grep", "-rlIs", "--exclude-dir=workspace", CANARY, str(Path.home()), "/tmp", "/run", "/etc", "/dev/shm"],
        capture_output=True, text=True, check=False)  # fmt: skip
    return breach_if(done.stdout.split(), "nothing")


@probe("5-sibling-prefix")
def _():
    return attempt(lambda: os.listdir("/workspace-secret"), "listed a neighbour whose name begins alike")


@probe("5-parent-of-project")
def _():
    return breach_if([name for name in os.listdir("/workspace/..") if "secret" in name], "the jail's own root")


@probe("6-start-up-files")
def _():
    """Inside, this is allowed; the test looks at the host's files afterwards."""
    for name in (".zshrc", ".bashrc", ".profile", ".gitconfig", ".ssh/authorized_keys"):
        path = Path.home() / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"# {CANARY}\n")
        path.unlink()
    Path(Path.home(), ".ssh").rmdir()
    return "memory"


@probe("7-symlink-outwards")
def _():
    link = HERE / "outwards"
    if not link.is_symlink():
        link.symlink_to(FACTS["secret"])
    return attempt(link.read_text, "followed to the host's file")


@probe("8-hard-link")
def _():
    return attempt(lambda: os.link("/etc/hostname", HERE / "hard"), "linked")


@probe("9-root-of-1")
def _():
    return attempt(lambda: os.listdir("/proc/1/root/"), "listed")


@probe("9-own-root")
def _():
    return breach_if(os.readlink("/proc/self/root") != "/" and "another root", "the jail's own")


@probe("10-rename-mount")
def _():
    return attempt(lambda: os.rename(Path.home() / ".claude", Path.home() / ".elsewhere"), "renamed a mount")


@probe("10-rename-workspace")
def _():
    return attempt(lambda: os.rename("/workspace", "/elsewhere"), "renamed")


@probe("10-rename-jailed-files")
def _():
    return attempt(lambda: os.rename("/etc/jailed", "/etc/elsewhere"), "renamed")


@probe("59-swap-state-for-symlink")
def _():
    state = Path.home() / ".claude"

    def swap():
        os.rmdir(state)
        state.symlink_to("/etc")

    return attempt(swap, "swapped")


# --- processes ----------------------------------------------------------------------------------------------


def own_processes():
    return [entry for entry in os.listdir("/proc") if entry.isdigit()]


@probe("15-host-processes")
def _():
    found = []
    for pid in own_processes():
        try:
            if FACTS["process"].encode() in Path("/proc", pid, "cmdline").read_bytes():
                found.append(pid)
        except OSError:
            pass
    return breach_if(found and "saw a process of the host", "invisible")


@probe("15-kill-host-process")
def _():
    return attempt(lambda: os.kill(FACTS["pid"], 0), "reached by its pid")


for item in ("environ", "maps", "mem", "fd", "cwd", "exe"):

    def look(item=item):
        path = f"/proc/1/{item}"
        if item in ("cwd", "exe"):
            return attempt(lambda: os.readlink(path), "read")
        if item == "fd":
            return attempt(lambda: os.listdir(path), "listed")
        return attempt(lambda: open(path, "rb").read(16), "read")

    probe(f"16-{item}-of-1")(look)


@probe("18-setuid-copy")
def _():
    copy = Path("/tmp/id-copy")
    shutil.copy("/usr/bin/id", copy)
    copy.chmod(0o6755)
    try:
        uid = subprocess.run([copy, "-u"], capture_output=True, text=True, check=True).stdout.strip()
    except PermissionError:
        return "no gain"  # a kernel that runs no set-uid file at all
    finally:
        copy.unlink()
    return breach_if(uid == "0" and "root", "no gain")


@probe("18-setuid-root-file")
def _():
    """A file that is root's and setuid on the host."""
    try:
        done = subprocess.run([HERE / "id-setuid", "-u"], capture_output=True, text=True, check=False)
    except PermissionError:
        return "no gain"
    return breach_if(done.stdout.strip() == "0" and "root", "no gain")


@probe("18-file-capability")
def _():
    try:
        done = subprocess.run([HERE / "grep-capable", "CapEff", "/proc/self/status"], capture_output=True, text=True, check=True)
    except PermissionError:
        return "no gain"  # a kernel that may not give what the file asks for refuses to run it
    return breach_if(int(done.stdout.split()[1], 16) and "a capability", "no gain")


@probe("18-setuid-in-image")
def _():
    """All setuid and setgid files and capabilities of the image: there are none to attack."""
    found = []
    for directory, names, files in os.walk("/usr"):
        for name in files:
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
                found.append(path)
    return breach_if(found, "none")


@probe("18-capability-sets")
def _():
    status = Path("/proc/self/status").read_text()
    return breach_if([line for line in re.findall(r"^Cap\w+:\t\w+", status, re.MULTILINE) if int(line.split()[1], 16)], "empty")


@probe("18-no-new-privileges")
def _():
    no_new_privileges = ctypes.CDLL(None).prctl(39, 0, 0, 0, 0)  # PR_GET_NO_NEW_PRIVS
    return breach_if(no_new_privileges != 1 and "may gain privileges", "set")


@probe("18-uid")
def _():
    return breach_if(0 in {*os.getresuid(), *os.getresgid(), *os.getgroups()} and "root", "not root")


@probe("19-sudo-su")
def _():
    found = []
    for command in (["sudo", "-n", "id", "-u"], ["su", "-c", "id -u"], ["doas", "id", "-u"], ["pkexec", "id", "-u"]):
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=20)
            if done.stdout.strip() == "0":
                found.append(command[0])
    return breach_if(found, "fail")


# --- what is inherited ---------------------------------------------------------------------------------------


@probe("20-environment")
def _():
    names = [name for name, value in os.environ.items() if CANARY in value]
    names += [name for name in ("NODE_OPTIONS", "LD_PRELOAD", "PYTHONPATH", "BASH_ENV", "ENV") if name in os.environ]
    return breach_if(names, "not inherited")


@probe("21-descriptors")
def _():
    def is_open(fd):
        try:
            os.fstat(fd)
        except OSError:
            return False
        return True

    return breach_if([fd for fd in range(3, 1024) if is_open(fd)], "0 1 2")


@probe("21-umask")
def _():
    umask = os.umask(0o22)
    return "022" if umask == 0o22 else f"BREACH {umask:o}"


@probe("21-signals")
def _():
    status = Path("/proc/self/status").read_text()
    if "SigIgn" not in status:  # a kernel that does not list them: what Python found at its start
        kept = [number.name for number in signal.Signals if signal.getsignal(number) == signal.SIG_IGN and number.name not in ("SIGPIPE", "SIGXFSZ")]
        return breach_if(kept or signal.pthread_sigmask(signal.SIG_BLOCK, ()), "default")
    ignored, blocked = (int(re.search(rf"^{name}:\t(\w+)", status, re.MULTILINE)[1], 16) for name in ("SigIgn", "SigBlk"))
    ours = sum(1 << (number - 1) for number in (signal.SIGPIPE, signal.SIGXFSZ, 32, 33))  # Python's own, the C library's own
    return breach_if((ignored & ~ours or blocked) and f"ignored {ignored:x}, blocked {blocked:x}", "default")


@probe("21-working-directory")
def _():
    return breach_if(os.environ.get("PROBE_CWD", os.getcwd()) != FACTS["project"] and os.getcwd(), "the project's own path")


@probe("21-core-files")
def _():
    import resource

    return breach_if(resource.getrlimit(resource.RLIMIT_CORE) != (1, 1) and "a crash would start the host's core handler", "none")


# --- the kernel's files ----------------------------------------------------------------------------------------


@probe("28-memory-devices")
def _():
    return breach_if([path for path in ("/dev/mem", "/dev/kmem", "/dev/port", "/dev/kmsg") if os.path.exists(path)], "absent")


@probe("28-devices")
def _():
    known = {"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "stdin", "stdout", "stderr"}
    found = [name for name in os.listdir("/dev") if name not in known and stat.S_IFMT(os.stat(f"/dev/{name}").st_mode) in (stat.S_IFBLK, stat.S_IFCHR)]
    return breach_if(found, "only the harmless")


@probe("28-disk-devices")
def _():
    return breach_if([name for name in os.listdir("/dev") if re.match(r"(sd|vd|nvme|xvd|dm-|loop)", name)], "absent")


@probe("29-masked-files")
def _():
    found = []
    for path in ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/latency_stats"):
        try:
            with open(path, "rb") as file:
                if file.read(64):
                    found.append(path)
        except OSError:
            pass
    return breach_if(found, "empty")


@probe("29-write-proc-sys")
def _():
    return attempt(lambda: os.open("/proc/sys/vm/drop_caches", os.O_WRONLY), "opened for writing")


@probe("29-proc-sys-mount")
def _():
    read_only = os.statvfs("/proc/sys").f_flag & os.ST_RDONLY
    return breach_if(not read_only and "writable for whoever is root", "read-only")


@probe("29-write-sys")
def _():
    writable = [path for path in glob.glob("/sys/kernel/*") + glob.glob("/sys/power/*") if os.access(path, os.W_OK)]
    return breach_if(writable, "read-only")


@probe("30-release-agent")
def _():
    writable = [path for path in glob.glob("/sys/fs/cgroup/**/release_agent", recursive=True) if os.access(path, os.W_OK)]
    return breach_if(writable, "not writable")


@probe("30-new-cgroup")
def _():
    made, answers = [], set()
    for directory in ["/sys/fs/cgroup", *glob.glob("/sys/fs/cgroup/*/")]:
        try:
            os.mkdir(os.path.join(directory, "probe"))
            made.append(directory)
            os.rmdir(os.path.join(directory, "probe"))
        except OSError as error:
            answers.add(errno.errorcode[error.errno])
    return breach_if(made, "refused" if answers <= {"EROFS", "EACCES", "EPERM"} else " ".join(sorted(answers)))


@probe("30-raise-own-limit")
def _():
    limits = glob.glob("/sys/fs/cgroup/memory/memory.limit_in_bytes") + glob.glob("/sys/fs/cgroup/memory.max") + glob.glob("/sys/fs/cgroup/pids/pids.max")
    return breach_if([path for path in limits if os.access(path, os.W_OK)], "not writable")


# --- sockets ------------------------------------------------------------------------------------------------------


def reply_from(family, address, say=b"who is there?\n"):
    """What answers, as an application: a connection alone proves nothing."""
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(3)
        client.connect(address)
        client.sendall(say)
        return client.recv(200).decode(errors="replace")


@probe("34-engine-sockets")
def _():
    found = []
    for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock"):
        try:
            if "HTTP" in reply_from(socket.AF_UNIX, path, b"GET /_ping HTTP/1.0\r\n\r\n"):
                found.append(path)
        except OSError:
            pass
    return breach_if(found, "no reply")


@probe("34-any-socket")
def _():
    found = []
    for root in ("/run", "/var", "/tmp", str(Path.home()), "/workspace"):
        for directory, _, names in os.walk(root):
            found += [os.path.join(directory, name) for name in names if stat.S_ISSOCK(os.lstat(os.path.join(directory, name)).st_mode)]
    return breach_if(found, "none")


@probe("34-engine-clients")
def _():
    return breach_if([name for name in ("docker", "podman", "nerdctl", "ctr", "runc", "crun", "kubectl") if shutil.which(name)], "absent")


@probe("35-desktop-sockets")
def _():
    names = ("DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "GPG_AGENT_INFO")
    found = [name for name in names if name in os.environ]
    found += [path for path in ("/tmp/.X11-unix", "/run/user", "/run/dbus") if os.path.exists(path)]
    return breach_if(found, "absent")


@probe("35-abstract-socket")
def _():
    return attempt(lambda: reply_from(socket.AF_UNIX, "\0" + FACTS["abstract"]), lambda said: CANARY in said and "a reply from the host")


for loopback in ("127.0.0.1", "::1"):

    def ask(loopback=loopback):
        family = socket.AF_INET6 if ":" in loopback else socket.AF_INET
        return attempt(lambda: reply_from(family, (loopback, FACTS["port"])), lambda said: CANARY in said and "a reply from the host")

    probe(f"54-host-loopback-{'v6' if ':' in loopback else 'v4'}")(ask)


# --- limits ---------------------------------------------------------------------------------------------------------


def mount_options(place):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return [line.split()[3].split(",") for line in mounts if line.split()[1] == place][-1]


@probe("38-tmpfs-sizes")
def _():
    places = ["/tmp", "/var/tmp", "/run", "/dev/shm", str(Path.home())]
    return breach_if([place for place in places if not any(o.startswith("size=") for o in mount_options(place))], "bounded")


@probe("38-mount-flags")
def _():
    places = ["/tmp", "/var/tmp", "/run", "/dev/shm", str(Path.home())]
    return breach_if([place for place in places if not {"nosuid", "nodev"} <= set(mount_options(place))], "nosuid,nodev")


@probe("38-inodes-of-tmp")
def _():
    found = os.statvfs("/tmp")
    return breach_if(found.f_files * 4096 > found.f_blocks * found.f_frsize + 4096 and "more inodes than pages", "bounded")


@probe("36-processes")
def _():
    """Sleeping children until the kernel says no, or one more than the limit that the test gave."""
    children, most = [], FACTS["pids"] + 1
    try:
        while len(children) < most:
            pid = os.fork()
            if pid == 0:
                signal.pause()
                os._exit(0)
            children.append(pid)
        return f"BREACH {most} processes"
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        for pid in children:
            os.waitpid(pid, 0)


def fill(directory):
    """Zeroes until the kernel says no; 16 MiB more than the test's limit at the most."""
    path, chunk = Path(directory, "fill"), bytes(1 << 20)
    try:
        with path.open("wb", buffering=0) as file:
            for _ in range(FACTS["fill"] + 16):
                if file.write(chunk) != len(chunk):
                    return "ENOSPC"
        return f"BREACH {FACTS['fill'] + 16} MiB in {directory}"
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        path.unlink(missing_ok=True)


for place in ("/tmp", "/var/tmp", "/run", "/dev/shm", str(Path.home())):
    name = "home" if place == str(Path.home()) else place.strip("/").replace("/", "-")
    probe(f"38-fill-{name}")(lambda place=place: fill(place))


def main():
    for name in sys.argv[1:] or PROBES:
        try:
            outcome = PROBES[name]()
        except Exception as error:  # noqa: BLE001  a probe that breaks is told, the others go on
            outcome = f"broken: {error!r}"
        print(name, outcome, flush=True)


if __name__ == "__main__":
    libc = ctypes.CDLL(None)  # children of probes end with it
    libc.prctl(1, signal.SIGKILL)
    main()
