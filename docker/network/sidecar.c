/*
 * The other end of a jail's network, in a container of its own that has one: takes connections on a unix socket, lets squid
 * decide about them by the session's policy, and sees to it that what is inside a tunnel is what was asked for.
 *
 *   sidecar POLICY SOCKET LOG [observe]
 *
 * POLICY: a directory with squid.conf; what is put there by a rename is in force from then on, and open tunnels stay.
 * SOCKET: where to listen. LOG: a file for a line a request, and no more than twice LOG_LIMIT with LOG.1.
 *
 * Of a tunnel squid gets a CONNECT that is made anew here, with nothing of the client's but host and port, and of what
 * follows nothing before the name in the TLS ClientHello is that of the CONNECT, to the letter (client_hello.h). squid 6 has
 * a way to look at that name (ssl_bump), which takes the CONNECT's for one that is missing, and answers a refusal inside TLS.
 * With `observe` every tunnel is let through as it is.
 *
 * Plain requests go to another port of squid's, where there is no CONNECT.
 */
#include "relay.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "client_hello.h"

enum { TUNNELS = 3128, PLAIN = 3129 };
enum { SQUID_PATIENCE = 15000, HEAD_PATIENCE = 30000, BETWEEN_TRIES = 10, LONGEST_HEAD = 16384, LOG_LIMIT = 4 << 20 };

enum stage { READS_REQUEST, REACHES_SQUID, READS_ANSWER, READS_HELLO, RELAYS, LAST_WORDS };

struct pair {
  enum stage stage;
  int client, squid;
  int port;
  int64_t give_up_at;
  char host[HELLO_NAME_ROOM], number[8]; /* of a tunnel */
  unsigned char* head;                   /* LONGEST: what was read and not passed on */
  size_t length;
  struct pending up, down;
};

static struct pair pairs[MOST_PAIRS];
static struct pollfd ready[2 * MOST_PAIRS + 3];
static int count;
static bool observing;
static const char* log_path;
static int log_file = -1;
static size_t logged;

/* ---- the log */

static void open_log(void) {
  log_file = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  struct stat found;
  logged = log_file >= 0 && fstat(log_file, &found) == 0 ? (size_t)found.st_size : 0;
}

static void write_log(const char* text, size_t length) {
  if (logged + length > LOG_LIMIT) {
    char older[4096];
    snprintf(older, sizeof older, "%s.1", log_path);
    close(log_file);
    rename(log_path, older);
    open_log();
  }
  const ssize_t written = write(log_file, text, length);
  if (written > 0) logged += (size_t)written;
}

static void log_refusal(const struct pair* pair, const char* verdict, const char* detail) {
  struct timespec t;
  char line[1024];
  clock_gettime(CLOCK_REALTIME, &t);
  const int length = snprintf(line, sizeof line, "%lld.%03ld CONNECT %s %s %s 403 - 0 0 %s\n", (long long)t.tv_sec, t.tv_nsec / 1000000,
                              pair->host[0] ? pair->host : "-", pair->number[0] ? pair->number : "-", verdict, detail);
  if (length > 0 && (size_t)length < sizeof line) write_log(line, (size_t)length);
}

/* squid's lines, whole ones only. */
static void take_lines(int from) {
  static char text[8192];
  static size_t held;
  for (;;) {
    const ssize_t got = read(from, text + held, sizeof text - held);
    if (got <= 0) return;
    held += (size_t)got;
    const char* end = memrchr(text, '\n', held);
    if (!end && held < sizeof text) continue;
    const size_t whole = end ? (size_t)(end - text) + 1 : 0;
    if (whole) write_log(text, whole);
    held = end ? held - whole : 0; /* a line without end is nobody's */
    memmove(text, text + whole, held);
  }
}

/* ---- squid */

static pid_t squid = -1;
static int64_t squid_start_at;
static int squid_pause = 50;

static void keep_squid(const char* policy) {
  int status;
  pid_t ended;
  while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
    if (ended != squid) continue;
    squid = -1;
    squid_start_at = now() + squid_pause;
    squid_pause = squid_pause < 3200 ? squid_pause * 2 : 3200;
  }
  if (squid >= 0 || now() < squid_start_at) return;
  char configuration[4096];
  snprintf(configuration, sizeof configuration, "%s/squid.conf", policy);
  squid = fork();
  if (squid != 0) return;
  signal(SIGPIPE, SIG_DFL);
  execl("/usr/sbin/squid", "squid", "-N", "-f", configuration, (char*)NULL);
  fprintf(stderr, "jailed: squid: %s\n", strerror(errno));
  _exit(127);
}

/* ---- connections */

static void drop(int at) {
  struct pair* pair = &pairs[at];
  close_gently(pair->client);
  if (pair->squid >= 0) close(pair->squid);
  free(pair->head);
  free(pair->up.bytes);
  free(pair->down.bytes);
  *pair = pairs[--count];
}

static void take_new(int listener) {
  while (count < MOST_PAIRS) {
    const int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    settle_unix(client);
    unsigned char* head = malloc(HELLO_LONGEST + LONGEST_HEAD);
    if (!head) {
      close(client);
      return;
    }
    pairs[count++] = (struct pair){.stage = READS_REQUEST, .client = client, .squid = -1, .head = head, .give_up_at = now() + HEAD_PATIENCE};
  }
}

static bool refuse(struct pair* pair, const char* status, const char* words) {
  answer(pair->client, status, words);
  return false;
}

/* 1: more was read, 0: nothing yet, -1: the end. */
static int read_more(int from, struct pair* pair, size_t room) {
  const ssize_t got = recv(from, pair->head + pair->length, room - pair->length, 0);
  if (got < 0 && would_wait()) return 0;
  if (got <= 0) return -1;
  pair->length += (size_t)got;
  return 1;
}

static size_t end_of_head(const struct pair* pair) {
  const unsigned char* end = memmem(pair->head, pair->length, "\r\n\r\n", 4);
  return end ? (size_t)(end - pair->head) + 4 : 0;
}

static void forget_head(struct pair* pair, size_t length) {
  pair->length -= length;
  memmove(pair->head, pair->head + length, pair->length);
}

/* "CONNECT host:port HTTP/1.x" */
static bool read_target(struct pair* pair) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
  const char* at = (const char*)pair->head + strlen("CONNECT ");
  size_t length = 0;
  for (; length + 1 < sizeof pair->host && at[length] != ':'; length++) {
    const char c = at[length] >= 'A' && at[length] <= 'Z' ? (char)(at[length] + ('a' - 'A')) : at[length];
    if (c == '\0' || !strchr(plain, c)) return false;
    pair->host[length] = c;
  }
  pair->host[length] = '\0';
  if (length == 0 || at[length] != ':') return false;
  at += length + 1;
  for (length = 0; length + 2 < sizeof pair->number && at[length] >= '0' && at[length] <= '9'; length++) pair->number[length] = at[length];
  pair->number[length] = '\0';
  return length > 0 && strncmp(at + length, " HTTP/1.", 8) == 0;
}

static bool greet_squid(struct pair* pair) {
  if (pair->port == PLAIN) {
    const bool sent = put(pair->squid, &pair->up, pair->head, pair->length);
    pair->stage = RELAYS;
    return sent;
  }
  char request[1024];
  const int length = snprintf(request, sizeof request, "CONNECT %s:%s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n", pair->host,
                              pair->number, pair->host, pair->number);
  pair->stage = READS_ANSWER;
  pair->give_up_at = INT64_MAX;
  return length > 0 && (size_t)length < sizeof request && put(pair->squid, &pair->up, (const unsigned char*)request, (size_t)length);
}

static bool reach_squid(struct pair* pair) {
  const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)pair->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  pair->squid = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (pair->squid < 0) return false;
  /* Loopback answers at once. */
  if (connect(pair->squid, (const struct sockaddr*)&address, sizeof address) == 0) {
    settle_tcp(pair->squid);
    fcntl(pair->squid, F_SETFL, O_NONBLOCK);
    return greet_squid(pair);
  }
  close(pair->squid);
  pair->squid = -1;
  return now() < pair->give_up_at || refuse(pair, "503 Service Unavailable", "jailed: the proxy of this jail's network does not start.\n");
}

/* Before anything of the request is passed on. */
static bool read_request(struct pair* pair) {
  const int more = read_more(pair->client, pair, LONGEST_HEAD);
  if (more <= 0) return more == 0;
  static const char connect_word[] = "CONNECT ";
  const size_t known = pair->length < strlen(connect_word) ? pair->length : strlen(connect_word);
  pair->port = PLAIN;
  if (memcmp(pair->head, connect_word, known) == 0) {
    const size_t end = end_of_head(pair);
    if (end == 0) return pair->length < LONGEST_HEAD || refuse(pair, "431 Request Header Fields Too Large", "jailed: the request is too long.\n");
    pair->port = TUNNELS;
    if (!read_target(pair)) {
      log_refusal(pair, "NOT_A_NAME", "-");
      return refuse(pair, "403 Forbidden", "jailed: a connection leaves this jail by a host's name and its port, and this was none.\n");
    }
    forget_head(pair, end);
  }
  pair->stage = REACHES_SQUID;
  pair->give_up_at = now() + SQUID_PATIENCE;
  return reach_squid(pair);
}

/* As TLS says it: access_denied. */
static bool deny_tls(struct pair* pair, const char* verdict, const char* detail) {
  static const unsigned char alert[] = {21, 3, 3, 0, 2, 2, 49};
  log_refusal(pair, verdict, detail);
  put(pair->client, &pair->down, alert, sizeof alert);
  return false;
}

static bool read_hello(struct pair* pair, bool more) {
  static unsigned char room[HELLO_LONGEST];
  char name[HELLO_NAME_ROOM];
  if (more) {
    const int got = read_more(pair->client, pair, HELLO_LONGEST + LONGEST_HEAD);
    if (got <= 0) return got == 0;
  }
  if (pair->length == 0) return true;
  switch (read_client_hello(pair->head, pair->length, room, name)) {
    case HELLO_INCOMPLETE:
      return pair->length < HELLO_LONGEST + LONGEST_HEAD || deny_tls(pair, "NO_TLS_NAME", "-");
    case HELLO_REFUSED:
      return deny_tls(pair, "NO_TLS_NAME", "-");
    case HELLO_NAMED:
      break;
  }
  if (strcmp(name, pair->host) != 0) return deny_tls(pair, "OTHER_TLS_NAME", name);
  pair->stage = RELAYS;
  return put(pair->squid, &pair->up, pair->head, pair->length);
}

/* squid's answer to a CONNECT. What the client has sent early stays where it is until then. */
static bool read_answer(struct pair* pair) {
  static unsigned char head[LONGEST_HEAD];
  const ssize_t seen = recv(pair->squid, head, sizeof head, MSG_PEEK);
  if (seen < 0 && would_wait()) return true;
  if (seen <= 0) return refuse(pair, "503 Service Unavailable", "jailed: the proxy of this jail's network went away.\n");
  const unsigned char* end = memmem(head, (size_t)seen, "\r\n\r\n", 4);
  if (!end) return (size_t)seen < sizeof head;
  const bool open = seen > 12 && memcmp(head, "HTTP/1.", 7) == 0 && memcmp(head + 8, " 200", 4) == 0;
  if (!open) {
    pair->stage = LAST_WORDS;
    return true;
  }
  const size_t length = (size_t)(end - head) + 4;
  if (recv(pair->squid, head, length, 0) != (ssize_t)length || !put(pair->client, &pair->down, head, length)) return false;
  pair->give_up_at = now() + HEAD_PATIENCE;
  if (!observing) {
    pair->stage = READS_HELLO;
    return read_hello(pair, false);
  }
  pair->stage = RELAYS;
  return put(pair->squid, &pair->up, pair->head, pair->length);
}

static bool relay(struct pair* pair, short client, short to_squid) {
  if (pair->head) {
    free(pair->head);
    pair->head = NULL;
  }
  if ((client & (POLLERR | POLLNVAL)) || (to_squid & (POLLERR | POLLNVAL))) return false;
  if ((client & (POLLIN | POLLHUP) || to_squid & POLLOUT) && !move_bytes(pair->client, pair->squid, &pair->up)) return false;
  if ((to_squid & (POLLIN | POLLHUP) || client & POLLOUT) && !move_bytes(pair->squid, pair->client, &pair->down)) return false;
  return !(pair->down.ended && !is_waiting(&pair->down));
}

static bool last_words(struct pair* pair, short client, short to_squid) {
  if (client & POLLERR) return false;
  if ((to_squid & (POLLIN | POLLHUP) || client & POLLOUT) && !move_bytes(pair->squid, pair->client, &pair->down)) return false;
  return !(pair->down.ended && !is_waiting(&pair->down));
}

static bool serve(struct pair* pair, short client, short to_squid) {
  const bool late = now() > pair->give_up_at;
  switch (pair->stage) {
    case READS_REQUEST:
      return client ? read_request(pair) : !late;
    case REACHES_SQUID:
      return reach_squid(pair);
    case READS_ANSWER:
      if (client & (POLLERR | POLLHUP)) return false;
      return (!is_waiting(&pair->up) || pour(pair->squid, &pair->up)) && (!to_squid || read_answer(pair));
    case READS_HELLO:
      if (to_squid & (POLLERR | POLLHUP)) return false;
      if (is_waiting(&pair->down) && !pour(pair->client, &pair->down)) return false;
      return (client || pair->length > 0) ? read_hello(pair, client != 0) : !late;
    case LAST_WORDS:
      return last_words(pair, client, to_squid);
    case RELAYS:
      break;
  }
  return relay(pair, client, to_squid);
}

static short wanted(const struct pending* in, const struct pending* out) {
  return (short)((!is_waiting(in) && !in->ended ? POLLIN : 0) | (is_waiting(out) ? POLLOUT : 0));
}

static struct pollfd watch(int fd, short events) { return (struct pollfd){.fd = events ? fd : -1, .events = events}; }

static void watch_pair(const struct pair* pair, struct pollfd* client, struct pollfd* to_squid) {
  const short pouring = is_waiting(&pair->down) ? POLLOUT : 0;
  *client = watch(pair->client, POLLIN);
  *to_squid = watch(pair->squid, 0);
  switch (pair->stage) {
    case READS_REQUEST:
      break;
    case REACHES_SQUID:
      *client = watch(pair->client, 0);
      break;
    case READS_ANSWER: /* who is gone is told by POLLHUP, for which nothing has to be asked */
      *client = (struct pollfd){.fd = pair->client, .events = 0};
      *to_squid = watch(pair->squid, POLLIN);
      break;
    case READS_HELLO:
      *client = watch(pair->client, (short)(POLLIN | pouring));
      *to_squid = (struct pollfd){.fd = pair->squid, .events = 0};
      break;
    case LAST_WORDS:
      *client = watch(pair->client, pouring);
      *to_squid = watch(pair->squid, wanted(&pair->down, &pair->up));
      break;
    case RELAYS:
      *client = watch(pair->client, wanted(&pair->up, &pair->down));
      *to_squid = watch(pair->squid, wanted(&pair->down, &pair->up));
      break;
  }
}

/* How long nothing has to be looked at, in milliseconds. */
static int prepare(int listener, int changes, int lines) {
  int patience = 1000; /* squid, and who is late */
  ready[0] = watch(listener, count < MOST_PAIRS ? POLLIN : 0);
  ready[1] = watch(changes, POLLIN);
  ready[2] = watch(lines, POLLIN);
  for (int i = 0; i < count; i++) {
    watch_pair(&pairs[i], &ready[3 + 2 * i], &ready[4 + 2 * i]);
    if (pairs[i].stage == REACHES_SQUID) patience = BETWEEN_TRIES;
  }
  if (squid < 0 && patience > 50) patience = 50;
  return patience;
}

static int listen_at(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  unlink(path);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0 || bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || chmod(path, 0600) != 0 || listen(listener, 512) != 0)
    return -1;
  return listener;
}

static void reload(int changes) {
  char events[4096];
  bool any = false;
  while (read(changes, events, sizeof events) > 0) any = true;
  if (any && squid > 0) kill(squid, SIGHUP);
}

static void heard(int number) { (void)number; }

int main(int argc, char* argv[]) {
  if (argc < 4) return 2;
  observing = argc > 4 && strcmp(argv[4], "observe") == 0;
  log_path = argv[3];
  signal(SIGPIPE, SIG_IGN);
  const struct sigaction wakes = {.sa_handler = heard};
  sigaction(SIGCHLD, &wakes, NULL);
  open_log();
  const int listener = listen_at(argv[2]);
  static const char fifo[] = "/run/squid.log";
  unlink(fifo);
  const int lines = mkfifo(fifo, 0600) == 0 ? open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
  const int changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (listener < 0 || lines < 0 || log_file < 0 || changes < 0 || inotify_add_watch(changes, argv[1], IN_MOVED_TO) < 0) {
    fprintf(stderr, "jailed: the network's proxy cannot start: %s\n", strerror(errno));
    return 1;
  }
  for (;;) {
    keep_squid(argv[1]);
    const int patience = prepare(listener, changes, lines);
    const int had = count;
    if (poll(ready, (nfds_t)(3 + 2 * had), patience) < 0) {
      if (errno != EINTR) return 1;
      continue;
    }
    if (ready[1].revents) reload(changes);
    if (ready[2].revents) take_lines(lines);
    for (int i = had - 1; i >= 0; i--) {
      if (!serve(&pairs[i], ready[3 + 2 * i].revents, ready[4 + 2 * i].revents)) drop(i);
    }
    if (ready[0].revents) take_new(listener);
  }
}
