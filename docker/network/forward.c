/*
 * The jail's end of its network: what connects to 127.0.0.1:3128 is led to a unix socket, behind which the session's proxy
 * decides. There is no other way out of a jail without an interface.
 *
 *   forward LISTENER SOCKET      LISTENER: the number of a listening descriptor, process 1's
 *
 * Process 1 starts it anew when it ends; the listener stays open meanwhile. The proxy is started beside the jail when it is
 * wanted: who finds none knocks at the FIFO beside its socket, and a connection waits for it, START_PATIENCE at most.
 */
#include "relay.h"

#ifndef START_PATIENCE /* a test's own */
#define START_PATIENCE 15000
#endif
enum { BETWEEN_TRIES = 20 };

struct pair {
  int client, proxy; /* proxy: -1 as long as nobody answers there */
  int64_t give_up_at;
  struct pending up, down;
};

static struct pair pairs[MOST_PAIRS];
static struct pollfd ready[2 * MOST_PAIRS + 1];
static int count;

static void drop(int at) {
  struct pair* pair = &pairs[at];
  close(pair->client);
  if (pair->proxy >= 0) close(pair->proxy);
  free(pair->up.bytes);
  free(pair->down.bytes);
  *pair = pairs[--count];
}

static void take_new(int listener) {
  while (count < MOST_PAIRS) {
    const int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    settle_tcp(client);
    pairs[count++] = (struct pair){.client = client, .proxy = -1, .give_up_at = now() + START_PATIENCE};
  }
}

static void knock(const char* path) {
  char fifo[4096];
  const char* slash = strrchr(path, '/');
  if (!slash || snprintf(fifo, sizeof fifo, "%.*s/knock", (int)(slash - path), path) >= (int)sizeof fifo) return;
  const int fd = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC); /* when nobody listens any more this fails */
  if (fd < 0) return;
  if (write(fd, ".", 1) < 0 && errno == EPIPE) errno = 0;
  close(fd);
}

static bool reach_proxy(struct pair* pair, const char* path) {
  pair->proxy = connect_to_path(path);
  if (pair->proxy >= 0) return true;
  knock(path);
  if (now() < pair->give_up_at) return true;
  answer(pair->client, "503 Service Unavailable",
         "jailed: the proxy of this jail's network does not answer, so there is no network now. It is started again by itself; if it "
         "stays away, the jail has to be started anew.\n");
  shutdown(pair->client, SHUT_WR);
  return false;
}

static bool serve(struct pair* pair, short client, short proxy) {
  if (client & (POLLERR | POLLNVAL) || proxy & (POLLERR | POLLNVAL)) return false;
  if ((client & (POLLIN | POLLHUP) || proxy & POLLOUT) && !move_bytes(pair->client, pair->proxy, &pair->up)) return false;
  if ((proxy & (POLLIN | POLLHUP) || client & POLLOUT) && !move_bytes(pair->proxy, pair->client, &pair->down)) return false;
  return !(pair->up.ended && pair->down.ended && !is_waiting(&pair->up) && !is_waiting(&pair->down));
}

static short wanted(const struct pending* in, const struct pending* out) {
  return (short)((!is_waiting(in) && !in->ended ? POLLIN : 0) | (is_waiting(out) ? POLLOUT : 0));
}

/* A descriptor that nothing is wanted of would be told about again and again once its peer is gone. */
static struct pollfd watch(int fd, short events) { return (struct pollfd){.fd = events ? fd : -1, .events = events}; }

static bool prepare(int listener) {
  bool waiting = false;
  ready[0] = watch(listener, count < MOST_PAIRS ? POLLIN : 0);
  for (int i = 0; i < count; i++) {
    const struct pair* pair = &pairs[i];
    waiting = waiting || pair->proxy < 0;
    ready[1 + 2 * i] = watch(pair->client, pair->proxy < 0 ? 0 : wanted(&pair->up, &pair->down));
    ready[2 + 2 * i] = watch(pair->proxy, wanted(&pair->down, &pair->up));
  }
  return waiting;
}

int main(int argc, char* argv[]) {
  if (argc != 3) return 2;
  const int listener = atoi(argv[1]);
  signal(SIGPIPE, SIG_IGN);
  fcntl(listener, F_SETFL, O_NONBLOCK);
  fcntl(listener, F_SETFD, FD_CLOEXEC);
  for (;;) {
    const bool waiting = prepare(listener);
    const int had = count;
    if (poll(ready, (nfds_t)(1 + 2 * had), waiting ? BETWEEN_TRIES : -1) < 0 && errno != EINTR) return 1;
    for (int i = had - 1; i >= 0; i--) {
      const bool stays = pairs[i].proxy < 0 ? reach_proxy(&pairs[i], argv[2]) : serve(&pairs[i], ready[1 + 2 * i].revents, ready[2 + 2 * i].revents);
      if (!stays) drop(i);
    }
    if (ready[0].revents) take_new(listener);
    for (int i = count - 1; i >= 0; i--) {
      if (pairs[i].proxy < 0 && !reach_proxy(&pairs[i], argv[2])) drop(i);
    }
  }
}
