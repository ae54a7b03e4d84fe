/*
 * Process 1 of a jail: runs one command, passes signals on to it, reaps what it leaves behind, and ends with
 * its status.
 *
 *   init COMMAND [ARG...]
 *
 * The command gets its own process group, the terminal (when standard input is one) and default signal
 * dispositions. It has the environment of process 1, with the jail's home on PATH and the umask of JAILED_UMASK.
 *
 * Exit status: the command's own; 128 + n when signal n ended it; 127 when it was not found, 126 when it
 * could not be run.
 *
 * Signals: HUP, INT, QUIT, TERM, USR1 and USR2 are passed on. INT, QUIT and HUP go to the command's whole
 * group, as a terminal sends them. Interactive shells ignore TERM, so at a terminal a HUP follows
 * TERM_PATIENCE later; whatever is left KILL_PATIENCE after the first TERM is killed.
 *
 * Stops: nothing outside the command could continue it, so a stopped command is continued at once.
 *
 * Lease: LEASE may be a FIFO that the jail's owner on the host holds open for writing. A byte in it is the
 * number of a signal, taken as if it had been sent here; 0 is none, and tells the owner who finds it gone that the
 * command has begun. End of file means that the owner is gone: everything
 * is asked to end (HUP and TERM) and killed LEASE_PATIENCE later.
 *
 * Network: where NETWORK is mounted the jail has no interface, and FORWARDER leads what connects to PROXY_PORT of its loopback to
 * the socket there. The listener is kept here, so nobody is refused while a forwarder that was killed is started again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LEASE "/etc/jailed/lease"
#define NETWORK "/etc/jailed/network"
#define FORWARDER "/usr/libexec/jailed/forward"

/* Milliseconds. */
enum { TERM_PATIENCE = 1000, KILL_PATIENCE = 10000, LEASE_PATIENCE = 2000, EXIT_PATIENCE = 1000 };
enum { PROXY_PORT = 3128, FORWARDER_PAUSE = 100 };
enum { EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127, EXIT_BY_SIGNAL = 128 };

static const int64_t NEVER = INT64_MAX;

struct jail {
  pid_t command; /* also its process group */
  int lease;     /* -1: none */
  bool terminal; /* standard input is one */
  bool stopped;  /* in the background of a terminal that somebody else still holds */
  int64_t hangup_at, kill_at, exit_at;
  int listener; /* of PROXY_PORT; -1: the jail has a network of its own, or none */
  pid_t forwarder;
  int64_t forward_at; /* when it is to be started */
};

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void no_later_than(int64_t* deadline, int64_t patience) {
  const int64_t at = now() + patience;
  if (at < *deadline) *deadline = at;
}

/* Outside a PID namespace of its own, "everybody" would be every process of the user. */
static void signal_everybody(const struct jail* jail, int number) {
  kill(getpid() == 1 ? -1 : -jail->command, number);
}

static void take_signal(struct jail* jail, int number) {
  switch (number) {
    case SIGKILL:
      signal_everybody(jail, SIGKILL);
      break;
    case SIGHUP:
    case SIGINT:
    case SIGQUIT:
      kill(-jail->command, number);
      break;
    case SIGTERM:
      kill(jail->command, SIGTERM);
      if (jail->terminal && jail->kill_at == NEVER) no_later_than(&jail->hangup_at, TERM_PATIENCE);
      no_later_than(&jail->kill_at, KILL_PATIENCE);
      break;
    case SIGUSR1:
    case SIGUSR2:
      kill(jail->command, number);
      break;
    default:
      break;
  }
}

static void end_of_lease(struct jail* jail) {
  close(jail->lease);
  jail->lease = -1;
  signal_everybody(jail, SIGHUP);
  signal_everybody(jail, SIGTERM);
  signal_everybody(jail, SIGCONT); /* or the stopped would not notice */
  no_later_than(&jail->kill_at, LEASE_PATIENCE);
}

static void read_lease(struct jail* jail) {
  unsigned char bytes[64];
  while (jail->lease >= 0) {
    const ssize_t count = read(jail->lease, bytes, sizeof bytes);
    if (count > 0) {
      for (ssize_t i = 0; i < count; i++) take_signal(jail, bytes[i]);
    } else if (count == 0) {
      end_of_lease(jail);
    } else if (errno != EINTR) {
      return; /* EAGAIN: the owner is there and has nothing to say */
    }
  }
}

/* The owner's first byte is 0: who takes it out of the FIFO says that the command begins. It goes before the command can say
   anything; an owner that puts none there has sent a signal, or nothing. */
static int take_first(int lease) {
  unsigned char byte;
  return lease >= 0 && read(lease, &byte, 1) == 1 ? byte : 0;
}

static int open_lease(void) {
  struct stat found;
  if (stat(LEASE, &found) != 0 || !S_ISFIFO(found.st_mode)) return -1;
  const int fd = open(LEASE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    fprintf(stderr, "jailed: %s: %s (the jail will not notice when its owner dies)\n", LEASE,
            strerror(errno));
  return fd;
}

/* The terminal's foreground group is empty: a job-controlling shell took it and died. */
static bool terminal_is_orphaned(void) {
  const pid_t holder = tcgetpgrp(STDIN_FILENO);
  return holder > 0 && kill(-holder, 0) != 0 && errno == ESRCH;
}

static void continue_command(struct jail* jail) {
  jail->stopped = false;
  kill(-jail->command, SIGCONT);
}

static void command_stopped(struct jail* jail, int by) {
  const bool wants_terminal = by == SIGTTIN || by == SIGTTOU;
  if (wants_terminal)
    jail->stopped = true; /* continued now, it would only stop again: see regain_terminal */
  else if (by == SIGTSTP || jail->terminal)
    continue_command(jail);
}

static void regain_terminal(struct jail* jail) {
  if (!jail->stopped || !terminal_is_orphaned()) return;
  tcsetpgrp(STDIN_FILENO, jail->command);
  continue_command(jail);
}

/* Everything that process 1 blocks or ignores is as a program expects it. */
static void settle_child(void) {
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static int listen_for_proxy(void) {
  struct stat found;
  if (stat(NETWORK, &found) != 0 || !S_ISDIR(found.st_mode)) return -1;
  const struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(PROXY_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener >= 0 && bind(listener, (const struct sockaddr*)&address, sizeof address) == 0 && listen(listener, 512) == 0)
    return listener;
  fprintf(stderr, "jailed: no proxy at port %d of this jail: %s\n", PROXY_PORT, strerror(errno));
  return -1;
}

static void start_forwarder(struct jail* jail) {
  jail->forward_at = NEVER;
  jail->forwarder = fork();
  if (jail->forwarder != 0) return;
  setpgid(0, 0); /* Ctrl-C is for the command */
  settle_child();
  const int nothing = open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2; fd++) dup2(nothing, fd);
  char listener[16];
  snprintf(listener, sizeof listener, "%d", jail->listener);
  fcntl(jail->listener, F_SETFD, 0);
  execl(FORWARDER, FORWARDER, listener, NETWORK "/proxy.sock", (char*)NULL);
  _exit(EXIT_NOT_FOUND);
}

/* Reaps all that ended. Returns the exit status once the command itself did, else -1. */
static int reap(struct jail* jail) {
  int exit_status = -1, status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
    if (pid == jail->forwarder && !WIFSTOPPED(status)) no_later_than(&jail->forward_at, FORWARDER_PAUSE);
    if (pid != jail->command) continue;
    if (WIFSTOPPED(status)) command_stopped(jail, WSTOPSIG(status));
    if (WIFEXITED(status)) exit_status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) exit_status = EXIT_BY_SIGNAL + WTERMSIG(status);
  }
  regain_terminal(jail);
  return exit_status;
}

static bool due(int64_t* deadline) {
  if (now() < *deadline) return false;
  *deadline = NEVER;
  return true;
}

static void meet_deadlines(struct jail* jail) {
  if (due(&jail->hangup_at)) {
    kill(-jail->command, SIGHUP);
    kill(-jail->command, SIGCONT);
  }
  if (due(&jail->kill_at)) {
    signal_everybody(jail, SIGKILL);
    no_later_than(&jail->exit_at, EXIT_PATIENCE);
  }
  if (due(&jail->forward_at)) start_forwarder(jail);
}

static int until_next_deadline(const struct jail* jail) {
  int64_t next = jail->hangup_at < jail->kill_at ? jail->hangup_at : jail->kill_at;
  if (jail->exit_at < next) next = jail->exit_at;
  if (jail->forward_at < next) next = jail->forward_at;
  if (next == NEVER) return -1;
  const int64_t left = next - now();
  return left > 0 ? (int)left : 0;
}

static int supervise(struct jail* jail, int signals) {
  for (;;) {
    struct pollfd ready[] = {{.fd = signals, .events = POLLIN}, {.fd = jail->lease, .events = POLLIN}};
    poll(ready, 2, until_next_deadline(jail));

    struct signalfd_siginfo arrived;
    while (read(signals, &arrived, sizeof arrived) == (ssize_t)sizeof arrived)
      if (arrived.ssi_signo != SIGCHLD) take_signal(jail, (int)arrived.ssi_signo);

    const int exit_status = reap(jail);
    if (exit_status >= 0) return exit_status;

    read_lease(jail);
    meet_deadlines(jail);
    if (due(&jail->exit_at)) return EXIT_BY_SIGNAL + SIGKILL;
  }
}

/* An image that was made for another user's home has that one on PATH: ours comes after it. */
static void add_home_to_path(void) {
  const char *home = getenv("HOME"), *path = getenv("PATH");
  char ours[4096], longer[16384];
  if (!home || !path || !strstr(path, "/.local/bin")) return;
  const int length = snprintf(ours, sizeof ours, "%s/.local/bin", home);
  if (length < 0 || (size_t)length >= sizeof ours || strstr(path, ours)) return;
  const int whole =
      snprintf(longer, sizeof longer, "%s:%s:%s/.cache/cargo/bin:%s/.cache/go/bin", path, ours, home, home);
  if (whole > 0 && (size_t)whole < sizeof longer) setenv("PATH", longer, 1);
}

/* JAILED_UMASK: the caller's, in octal, where it is another than ours. */
static void take_umask(void) {
  const char* text = getenv("JAILED_UMASK");
  if (!text) return;
  char* end;
  const unsigned long mask = strtoul(text, &end, 8);
  if (end != text && *end == '\0' && mask <= 0777) umask((mode_t)mask);
}

static void run(char* const command[], bool terminal) {
  setpgid(0, 0);
  if (terminal) tcsetpgrp(STDIN_FILENO, getpid()); /* SIGTTOU is still blocked */
  settle_child();
  add_home_to_path();
  take_umask();
  execvp(command[0], command);
  const bool missing = errno == ENOENT;
  fprintf(stderr, "jailed: %s: %s\n", command[0], missing ? "command not found" : strerror(errno));
  _exit(missing ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

/* A pipe that the command closes must be closed: nobody may hang on a copy kept here. The terminal stays. */
static void let_go_of_streams(bool terminal) {
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) return;
  if (!terminal) dup2(nothing, STDIN_FILENO);
  dup2(nothing, STDOUT_FILENO);
  dup2(nothing, STDERR_FILENO);
  close(nothing);
}

int main(int argc, char* argv[]) {
  if (argc < 2) {
    fputs("jailed: no command to run\n", stderr);
    return EXIT_NOT_FOUND;
  }
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no one in the jail may trace this process or use its descriptors */
  if (getpid() != 1) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

  /* Process 1 gets only signals that it blocks or handles; the command starts with none blocked. */
  sigset_t all, taken;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  sigemptyset(&taken);
  const int numbers[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaddset(&taken, numbers[i]);
  signal(SIGCHLD, SIG_DFL);

  struct jail jail = {.lease = -1, .hangup_at = NEVER, .kill_at = NEVER, .exit_at = NEVER, .forwarder = -1, .forward_at = NEVER};
  jail.terminal = isatty(STDIN_FILENO) == 1;
  jail.lease = open_lease();
  jail.listener = listen_for_proxy();
  const int signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
  const int first = take_first(jail.lease);
  jail.command = signals < 0 ? -1 : fork();
  if (jail.command == 0) run(argv + 1, jail.terminal);
  if (jail.command < 0) {
    fprintf(stderr, "jailed: cannot start %s: %s\n", argv[1], strerror(errno));
    return EXIT_CANNOT_RUN;
  }
  setpgid(jail.command, jail.command); /* whoever of the two comes first */
  if (jail.terminal) tcsetpgrp(STDIN_FILENO, jail.command);
  let_go_of_streams(jail.terminal);
  take_signal(&jail, first);
  if (jail.listener >= 0) start_forwarder(&jail);
  read_lease(&jail); /* poll() says nothing about an owner that was gone before we came */
  return supervise(&jail, signals);
}
