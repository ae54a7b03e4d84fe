/* Bytes from one descriptor to another and back, for many pairs in one process. */
#ifndef JAILED_RELAY_H
#define JAILED_RELAY_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PAIRS = 1000, SCRATCH = 256 * 1024 };

static unsigned char scratch[SCRATCH];

/* Small pieces go at once: each of them is somebody's turn. */
static inline void settle_tcp(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Between two processes that take turns on a processor, more at a time is faster. */
static inline void settle_unix(int fd) {
  const int room = SCRATCH;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
}

/* What was read and could not be written yet. */
struct pending {
  unsigned char* bytes;
  size_t from, to;
  bool ended; /* nothing more will come, and the reader has been told */
};

static inline int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline bool is_waiting(const struct pending* pending) { return pending->from < pending->to; }

static inline bool would_wait(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

/* False when the pair is done for. */
static inline bool keep(struct pending* pending, const unsigned char* bytes, size_t count) {
  pending->bytes = malloc(count);
  if (!pending->bytes) return false;
  memcpy(pending->bytes, bytes, count);
  pending->from = 0;
  pending->to = count;
  return true;
}

static inline bool pour(int to, struct pending* pending) {
  while (is_waiting(pending)) {
    const ssize_t count = send(to, pending->bytes + pending->from, pending->to - pending->from, MSG_NOSIGNAL);
    if (count < 0) return would_wait();
    pending->from += (size_t)count;
  }
  free(pending->bytes);
  pending->bytes = NULL;
  pending->from = pending->to = 0;
  return true;
}

/* Writes it, now or later. */
static inline bool put(int to, struct pending* pending, const unsigned char* bytes, size_t count) {
  size_t done = 0;
  while (!is_waiting(pending) && done < count) {
    const ssize_t written = send(to, bytes + done, count - done, MSG_NOSIGNAL);
    if (written < 0 && !would_wait()) return false;
    if (written < 0) break;
    done += (size_t)written;
  }
  if (done == count) return true;
  if (!is_waiting(pending)) return keep(pending, bytes + done, count - done);
  unsigned char* more = realloc(pending->bytes, pending->to + count - done);
  if (!more) return false;
  memcpy(more + pending->to, bytes + done, count - done);
  pending->bytes = more;
  pending->to += count - done;
  return true;
}

/* By a pipe of the kernel's, which passes pages on instead of copying them; what the reader does not take now is kept. -1: it
   cannot be done that way. */
static inline ssize_t splice_bytes(int from, int to, struct pending* pending, bool* works) {
  static int ends[2] = {-1, -1};
  if (ends[0] < 0) {
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
    fcntl(ends[0], F_SETPIPE_SZ, SCRATCH);
  }
  const ssize_t count = splice(from, NULL, ends[1], NULL, SCRATCH, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  ssize_t left = count;
  while (left > 0) {
    const ssize_t written = splice(ends[0], NULL, to, NULL, (size_t)left, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (written > 0) {
      left -= written;
      continue;
    }
    const bool gone = written < 0 && !would_wait();
    const ssize_t kept = read(ends[0], scratch, (size_t)left);
    *works = !gone && kept == left && keep(pending, scratch, (size_t)left);
    if (kept == left) return count;
    close(ends[0]); /* what is left in it is of this pair alone */
    close(ends[1]);
    ends[0] = ends[1] = -1;
    return count;
  }
  return count;
}

static inline bool move_bytes(int from, int to, struct pending* pending) {
  if (is_waiting(pending)) return pour(to, pending);
  if (pending->ended) return true;
  bool works = true;
  ssize_t count = splice_bytes(from, to, pending, &works);
  if (count > 0 || !works) return works;
  if (count < 0 && would_wait()) return true;
  if (count < 0) count = recv(from, scratch, sizeof scratch, 0);
  if (count < 0) return would_wait();
  if (count > 0) return put(to, pending, scratch, (size_t)count);
  pending->ended = true;
  shutdown(to, SHUT_WR);
  return true;
}

/* A line of a reply in plain words, for who asked by HTTP. */
static inline void answer(int client, const char* status, const char* words) {
  char text[2048];
  const int count = snprintf(text, sizeof text,
                             "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", status,
                             strlen(words), words);
  if (count > 0 && (size_t)count < sizeof text && send(client, text, (size_t)count, MSG_NOSIGNAL) < 0) return;
}

/* Closed at once, what was not read yet would take the answer away with it. */
static inline void close_gently(int fd) {
  shutdown(fd, SHUT_WR);
  for (int i = 0; i < 16 && recv(fd, scratch, sizeof scratch, MSG_DONTWAIT) > 0; i++) {
  }
  close(fd);
}

static inline int connect_to_path(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (connect(fd, (struct sockaddr*)&address, sizeof address) == 0) {
    settle_unix(fd);
    return fd;
  }
  close(fd);
  return -1;
}

#endif
