/*
 * System calls that a hostile agent tries, made as system calls: no tool has to be there. Built static by the tests.
 *
 *   syscalls              every probe, one line each: NAME OUTCOME
 *   syscalls NAME...      these
 *
 * OUTCOME is the name of the error that the kernel gave, or "BREACH" and what was got. Each probe runs in a child of
 * its own, so that one that succeeds (or is killed) does not change what the others see. Numbers are those of the
 * project's list of attacks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char outcome[256];

/* -1 is the kernel's no; anything else is a success that should not be. */
static void judge(long result, const char *got) {
  if (result == -1)
    snprintf(outcome, sizeof outcome, "%s", strerrorname_np(errno));
  else
    snprintf(outcome, sizeof outcome, "BREACH %s", got);
}

static void judge_write(const char *path) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  judge(fd, "open for writing");
}

static void mount_tmpfs(void) { judge(mount("none", "/mnt", "tmpfs", 0, ""), "mounted"); }
static void mount_proc(void) { judge(mount("proc", "/mnt", "proc", 0, ""), "mounted"); }
static void mount_bind(void) { judge(mount("/etc", "/mnt", NULL, MS_BIND, NULL), "mounted"); }
static void mount_cgroup(void) { judge(mount("cgroup", "/mnt", "cgroup", 0, "memory"), "mounted"); }
static void remount_root(void) { judge(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL), "remounted"); }
static void unmount_mask(void) { judge(umount2("/proc/sys", MNT_DETACH), "unmounted"); }
static void new_fsopen(void) { judge(syscall(SYS_fsopen, "tmpfs", 0), "a file system context"); }
static void new_open_tree(void) { judge(syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* clone */), "a tree"); }
static void change_root(void) { judge(chroot("/tmp"), "changed"); }
static void pivot(void) { judge(syscall(SYS_pivot_root, "/tmp", "/tmp"), "pivoted"); }

static void enter_namespace_of_1(void) {
  const int fd = open("/proc/1/ns/mnt", O_RDONLY);
  if (fd < 0) judge(-1, "");
  else judge(setns(fd, 0), "entered");
}
static void enter_own_namespace(void) { judge(setns(open("/proc/self/ns/uts", O_RDONLY), CLONE_NEWUTS), "entered"); }
static void new_user(void) { judge(unshare(CLONE_NEWUSER), "a user namespace"); }
static void new_mount(void) { judge(unshare(CLONE_NEWNS), "a mount namespace"); }
static void new_net(void) { judge(unshare(CLONE_NEWNET), "a network namespace"); }

static void clone_user(void) {
  const long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  judge(pid, "a child in a user namespace");
}
static void clone3_user(void) {
  struct {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
  } args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  const long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) _exit(0);
  judge(pid, "a child in a user namespace");
}

/* A kernel of the jail's own may hand out the name; what counts is the device. */
static void make_device(const char *path, mode_t kind, dev_t device, const char *got) {
  const long made = mknod(path, kind | 0600, device);
  if (made == 0 && open(path, O_RDONLY) == -1) snprintf(outcome, sizeof outcome, "a name without a device");
  else judge(made, got);
}
static void make_block(void) { make_device("/tmp/block", S_IFBLK, makedev(8, 0), "a disk"); }
static void make_memory(void) { make_device("/tmp/memory", S_IFCHR, makedev(1, 1), "the memory"); }

static void ptrace_1(void) { judge(ptrace(PTRACE_ATTACH, 1, 0, 0), "attached"); }
static void seize_1(void) { judge(ptrace(PTRACE_SEIZE, 1, 0, 0), "seized"); }
static void read_memory_of_1(void) {
  char byte;
  struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
  const long got = process_vm_readv(1, &here, 1, &there, 1, 0);
  if (got == -1 && errno == EFAULT) judge(0, "only the address was wrong");
  else judge(got, "read");
}
static void descriptor_of_1(void) {
  const long pidfd = syscall(SYS_pidfd_open, 1, 0);
  if (pidfd == -1) judge(-1, "");
  else judge(syscall(SYS_pidfd_getfd, pidfd, 0, 0), "a descriptor");
}
static void compare_with_1(void) { judge(syscall(SYS_kcmp, 1, getpid(), 2 /* files */, 0, 0), "compared"); }

static void io_uring(void) {
  struct io_uring_params parameters = {0};
  judge(syscall(SYS_io_uring_setup, 4, &parameters), "a ring");
}
static void key_control(void) { judge(syscall(SYS_keyctl, 0 /* get id */, -3 /* session */, 1), "a keyring"); }
static void key_add(void) { judge(syscall(SYS_add_key, "user", "probe", "x", 1, -2 /* process */), "a key"); }
static void key_request(void) {
  const long key = syscall(SYS_request_key, "user", "probe", NULL, 0);
  if (key == -1 && errno == ENOKEY) judge(0, "searched the keyrings");
  else judge(key, "a key");
}
static void page_faults(void) { judge(syscall(SYS_userfaultfd, 1 /* user mode only */), "a descriptor"); }
static void bpf_map(void) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = attributes.value_size = 4;
  attributes.max_entries = 1;
  judge(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes), "a map");
}
static void perf_event(void) {
  struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes,
                                       .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1, .exclude_hv = 1};
  judge(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0), "a counter");
}
/* A handle of the project's own directory: what is tested is whether handles can be opened at all. */
static void open_by_handle(void) {
  struct {
    struct file_handle handle;
    unsigned char bytes[128];
  } found = {.handle.handle_bytes = 128};
  int mount_id;
  const int directory = open("/workspace", O_RDONLY | O_DIRECTORY);
  if (name_to_handle_at(AT_FDCWD, "/workspace", &found.handle, &mount_id, 0) != 0) judge(-1, "");
  else judge(open_by_handle_at(directory, &found.handle, O_RDONLY), "opened");
}
/* Nothing to load is passed: who may would get EINVAL, EFAULT or ENOEXEC, and no kernel changes. */
static void judge_empty(long result) {
  if (result == -1 && (errno == EPERM || errno == ENOSYS || errno == EACCES)) judge(-1, "");
  else judge(0, "may be called");
}
static void kexec(void) { judge_empty(syscall(SYS_kexec_load, 0, 17, NULL, 0)); }
static void module_load(void) { judge_empty(syscall(SYS_init_module, NULL, 0, "")); }
static void module_file(void) { judge_empty(syscall(SYS_finit_module, -1, "", 0)); }
static void reboot_probe(void) { judge_empty(syscall(SYS_reboot, 0, 0, 0, 0)); }
static void swap_on(void) { judge_empty(syscall(SYS_swapon, "/nonexistent", 0)); }
static void clock_set(void) {
  const struct timespec beyond = {.tv_sec = 0, .tv_nsec = 0};
  judge_empty(syscall(SYS_clock_settime, 9 /* no clock of this number can be set */, &beyond));
}
static void kernel_log(void) { judge(syscall(SYS_syslog, 10 /* size */, NULL, 0), "the kernel's log"); }
static void io_ports(void) { judge(iopl(3), "I/O privilege"); }
static void host_name(void) { judge(sethostname("broken", 6), "renamed"); }
static void fan_notify(void) { judge(syscall(SYS_fanotify_init, 0x4 /* content: with permission events */, 0), "a group"); }
static void nice_less(void) { judge(setpriority(PRIO_PROCESS, 0, -5), "a higher priority"); }
static void lock_limit(void) {
  struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
  judge(setrlimit(RLIMIT_NOFILE, &more), "no limit of open files");
}

static void packet_socket(void) { judge(socket(AF_PACKET, SOCK_RAW, 0), "a packet socket"); }
static void raw_icmp(void) { judge(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "a raw socket"); }
static void raw_netfilter(void) { judge(socket(AF_NETLINK, SOCK_RAW, 12 /* netfilter */), "a netfilter socket"); }
static void vsock(void) { judge(socket(AF_VSOCK, SOCK_STREAM, 0), "a socket to the hypervisor"); }
static void alg_socket(void) { judge(socket(AF_ALG, SOCK_SEQPACKET, 0), "a kernel crypto socket"); }
static void bluetooth_socket(void) { judge(socket(31 /* bluetooth */, SOCK_RAW, 1), "a bluetooth socket"); }

/* The kernel's second door: 32-bit calls of a 64-bit process (x86). */
static void old_door(void) {
#ifdef __x86_64__
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20 /* getpid */) : "memory");
  if (result == -ENOSYS) snprintf(outcome, sizeof outcome, "ENOSYS");
  else if (result != getpid()) snprintf(outcome, sizeof outcome, "no 32-bit call");
  else judge(0, "32-bit system calls");
#else
  snprintf(outcome, sizeof outcome, "none here");
#endif
}
static void x32_door(void) {
#ifdef __x86_64__
  judge(syscall(0x40000000 + 39 /* getpid */), "x32 system calls");
#else
  snprintf(outcome, sizeof outcome, "none here");
#endif
}

static void become_root(void) { judge(setresuid(0, 0, 0), "root"); }
static void become_root_group(void) { judge(setresgid(0, 0, 0), "root's group"); }
static void more_groups(void) {
  const gid_t root = 0;
  judge(setgroups(1, &root), "root's group");
}

static void write_sysrq(void) { judge_write("/proc/sysrq-trigger"); }
static void write_core_pattern(void) { judge_write("/proc/sys/kernel/core_pattern"); }
static void write_uevent(void) { judge_write("/sys/kernel/uevent_helper"); }
static void write_binfmt(void) { judge_write("/proc/sys/fs/binfmt_misc/register"); }

/* A debugger's own child: this one has to work. Outcome "usable". */
static void trace_own_child(void) {
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    _exit(7);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const int stopped = WIFSTOPPED(status);
  ptrace(PTRACE_CONT, child, 0, 0);
  waitpid(child, &status, 0);
  snprintf(outcome, sizeof outcome, stopped && WIFEXITED(status) && WEXITSTATUS(status) == 7 ? "usable" : "broken");
}

static const struct {
  const char *name;
  void (*run)(void);
} probes[] = {
    {"10-remount-root", remount_root},
    {"17-ptrace-attach", ptrace_1},
    {"17-ptrace-seize", seize_1},
    {"17-process-vm-readv", read_memory_of_1},
    {"17-pidfd-getfd", descriptor_of_1},
    {"17-kcmp", compare_with_1},
    {"17-trace-own-child", trace_own_child},
    {"18-setuid", become_root},
    {"18-setgid", become_root_group},
    {"18-setgroups", more_groups},
    {"23-mount-tmpfs", mount_tmpfs},
    {"23-mount-proc", mount_proc},
    {"23-mount-bind", mount_bind},
    {"23-fsopen", new_fsopen},
    {"23-open-tree", new_open_tree},
    {"24-chroot", change_root},
    {"24-pivot-root", pivot},
    {"25-setns-of-1", enter_namespace_of_1},
    {"25-setns-own", enter_own_namespace},
    {"26-unshare-user", new_user},
    {"26-unshare-mount", new_mount},
    {"26-unshare-net", new_net},
    {"26-clone-user", clone_user},
    {"26-clone3-user", clone3_user},
    {"26-unmount-mask", unmount_mask},
    {"27-mknod-disk", make_block},
    {"27-mknod-memory", make_memory},
    {"29-sysrq-trigger", write_sysrq},
    {"29-core-pattern", write_core_pattern},
    {"29-uevent-helper", write_uevent},
    {"29-binfmt-misc", write_binfmt},
    {"29-sethostname", host_name},
    {"30-mount-cgroup", mount_cgroup},
    {"31-io-uring", io_uring},
    {"31-keyctl", key_control},
    {"31-add-key", key_add},
    {"31-request-key", key_request},
    {"31-userfaultfd", page_faults},
    {"31-bpf", bpf_map},
    {"31-perf-event-open", perf_event},
    {"31-open-by-handle-at", open_by_handle},
    {"31-kexec-load", kexec},
    {"31-init-module", module_load},
    {"31-finit-module", module_file},
    {"31-reboot", reboot_probe},
    {"31-swapon", swap_on},
    {"31-clock-settime", clock_set},
    {"31-syslog", kernel_log},
    {"31-iopl", io_ports},
    {"31-fanotify", fan_notify},
    {"31-int-0x80", old_door},
    {"31-x32", x32_door},
    {"32-af-packet", packet_socket},
    {"32-raw-icmp", raw_icmp},
    {"32-netfilter", raw_netfilter},
    {"32-af-alg", alg_socket},
    {"32-af-bluetooth", bluetooth_socket},
    {"33-af-vsock", vsock},
    {"36-raise-priority", nice_less},
    {"36-raise-open-files", lock_limit},
};

static void run(const char *name, void (*probe)(void)) {
  printf("%s ", name);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    probe();
    printf("%s\n", outcome);
    fflush(stdout);
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0) printf("no child: %s\n", strerror(errno));
  else if (WIFSIGNALED(status)) printf("SIG%s\n", sigabbrev_np(WTERMSIG(status)));
}

int main(int argc, char *argv[]) {
  for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
    int wanted = argc < 2;
    for (int a = 1; a < argc; a++) wanted |= strcmp(argv[a], probes[i].name) == 0;
    if (wanted) run(probes[i].name, probes[i].run);
  }
  return 0;
}
