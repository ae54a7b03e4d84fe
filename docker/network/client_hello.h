/*
 * The name that a TLS client asks for, read from the first bytes that it sends (RFC 8446, 4.1.2; RFC 6066, 3).
 *
 * Nothing is guessed: what is not one whole ClientHello with exactly one name in it is HELLO_REFUSED.
 */
#ifndef JAILED_CLIENT_HELLO_H
#define JAILED_CLIENT_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { HELLO_NAME_ROOM = 256, HELLO_LONGEST = 32768 };
enum hello { HELLO_INCOMPLETE, HELLO_REFUSED, HELLO_NAMED };

struct hello_bytes {
  const unsigned char* at;
  size_t left;
};

/* Takes `count` bytes off the front; false when there are fewer. */
static inline bool hello_take(struct hello_bytes* from, size_t count, struct hello_bytes* taken) {
  if (from->left < count) return false;
  taken->at = from->at;
  taken->left = count;
  from->at += count;
  from->left -= count;
  return true;
}

static inline bool hello_number(struct hello_bytes* from, size_t width, size_t* number) {
  struct hello_bytes digits;
  if (!hello_take(from, width, &digits)) return false;
  *number = 0;
  for (size_t i = 0; i < width; i++) *number = *number << 8 | digits.at[i];
  return true;
}

/* A vector whose length stands before it in `width` bytes. */
static inline bool hello_vector(struct hello_bytes* from, size_t width, struct hello_bytes* vector) {
  size_t length;
  return hello_number(from, width, &length) && hello_take(from, length, vector);
}

/* The one host name of a server_name extension, in lower case and ended by a zero. */
static inline bool hello_server_name(struct hello_bytes extension, char name[HELLO_NAME_ROOM]) {
  struct hello_bytes list, text;
  size_t type;
  if (!hello_vector(&extension, 2, &list) || extension.left != 0) return false;
  if (!hello_number(&list, 1, &type) || type != 0 || !hello_vector(&list, 2, &text) || list.left != 0) return false;
  if (text.left == 0 || text.left >= HELLO_NAME_ROOM) return false;
  for (size_t i = 0; i < text.left; i++) {
    const unsigned char c = text.at[i];
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    if (!plain) return false;
    name[i] = (char)(upper ? c + ('a' - 'A') : c);
  }
  name[text.left] = '\0';
  return true;
}

static inline enum hello hello_of_handshake(struct hello_bytes body, char name[HELLO_NAME_ROOM]) {
  struct hello_bytes skipped, extensions, extension;
  size_t type;
  bool named = false;
  if (!hello_take(&body, 2 + 32, &skipped)) return HELLO_REFUSED; /* version, random */
  if (!hello_vector(&body, 1, &skipped)) return HELLO_REFUSED;    /* session */
  if (!hello_vector(&body, 2, &skipped)) return HELLO_REFUSED;    /* ciphers */
  if (!hello_vector(&body, 1, &skipped)) return HELLO_REFUSED;    /* compression */
  if (!hello_vector(&body, 2, &extensions) || body.left != 0) return HELLO_REFUSED;
  while (extensions.left > 0) {
    if (!hello_number(&extensions, 2, &type) || !hello_vector(&extensions, 2, &extension)) return HELLO_REFUSED;
    if (type != 0) continue;
    if (named || !hello_server_name(extension, name)) return HELLO_REFUSED;
    named = true;
  }
  return named ? HELLO_NAMED : HELLO_REFUSED;
}

/* The handshake may come in several records: they are put together in `room`, which holds HELLO_LONGEST bytes. */
static inline enum hello read_client_hello(const unsigned char* bytes, size_t count, unsigned char* room, char name[HELLO_NAME_ROOM]) {
  struct hello_bytes from = {bytes, count}, record;
  size_t collected = 0, wanted = 4;
  while (collected < wanted) {
    size_t type, version, length;
    if (from.left > 0 && from.at[0] != 22) return HELLO_REFUSED; /* at once, and not when five bytes are there */
    if (!hello_number(&from, 1, &type) || !hello_number(&from, 2, &version) || !hello_number(&from, 2, &length))
      return HELLO_INCOMPLETE;
    if (version >> 8 != 3 || length == 0 || length > 16384 || collected + length > HELLO_LONGEST) return HELLO_REFUSED;
    if (!hello_take(&from, length, &record)) return HELLO_INCOMPLETE;
    memcpy(room + collected, record.at, record.left);
    collected += record.left;
    if (collected < 4) continue;
    if (room[0] != 1) return HELLO_REFUSED;
    wanted = 4 + ((size_t)room[1] << 16 | (size_t)room[2] << 8 | room[3]);
    if (wanted > HELLO_LONGEST) return HELLO_REFUSED;
  }
  if (collected != wanted) return HELLO_REFUSED; /* nothing may follow before the server has answered */
  const struct hello_bytes body = {room + 4, wanted - 4};
  return hello_of_handshake(body, name);
}

#endif
