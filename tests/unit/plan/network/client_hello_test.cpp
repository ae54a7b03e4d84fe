#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "../../../../docker/network/client_hello.h"
#include "catch.hpp"

namespace {

using Bytes = std::vector<unsigned char>;

void add(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

Bytes vector_of(std::size_t width, const Bytes& content) {
  Bytes bytes;
  for (std::size_t i = width; i-- > 0;) bytes.push_back(static_cast<unsigned char>(content.size() >> (8 * i)));
  add(bytes, content);
  return bytes;
}

Bytes extension(unsigned char type, const Bytes& content) {
  Bytes bytes = {0, type};
  add(bytes, vector_of(2, content));
  return bytes;
}

Bytes server_name(const std::string& name, unsigned char type = 0) {
  Bytes entry = {type};
  add(entry, vector_of(2, Bytes(name.begin(), name.end())));
  return entry;
}

Bytes sni(const std::string& name) { return extension(0, vector_of(2, server_name(name))); }

Bytes client_hello(const Bytes& extensions) {
  Bytes body = {3, 3};
  body.resize(34, 7);
  add(body, vector_of(1, Bytes(32, 1)));
  add(body, vector_of(2, {0x13, 1}));
  add(body, vector_of(1, {0}));
  add(body, vector_of(2, extensions));
  Bytes handshake = {1};
  add(handshake, vector_of(3, body));
  return handshake;
}

Bytes records(const Bytes& handshake, std::size_t part = 16384) {
  Bytes bytes;
  for (std::size_t at = 0; at < handshake.size(); at += part) {
    add(bytes, {22, 3, 1});
    const auto end = std::min(handshake.size(), at + part);
    add(bytes, vector_of(2, Bytes(handshake.begin() + static_cast<std::ptrdiff_t>(at), handshake.begin() + static_cast<std::ptrdiff_t>(end))));
  }
  return bytes;
}

// Bytes of their exact length: a sanitizer sees who reads one more.
std::string read(const Bytes& given) {
  std::vector<unsigned char> room(HELLO_LONGEST);
  char name[HELLO_NAME_ROOM] = "?";
  const std::vector<unsigned char> bytes(given.begin(), given.end());
  switch (read_client_hello(bytes.data(), bytes.size(), room.data(), name)) {
    case HELLO_INCOMPLETE: return "incomplete";
    case HELLO_REFUSED: return "refused";
    case HELLO_NAMED: return name;
  }
  return "?";
}

Bytes joined(const Bytes& one, const Bytes& other) {
  auto both = one;
  add(both, other);
  return both;
}

}  // namespace

TEST_CASE("the name in a ClientHello, in lower case", "[plan]") {
  CHECK(read(records(client_hello(sni("example.org")))) == "example.org");
  CHECK(read(records(client_hello(joined(extension(10, {0, 2, 0, 29}), sni("API.Example.ORG"))))) == "api.example.org");
  CHECK(read(records(client_hello(joined(extension(0xFE, Bytes(9000, 5)), sni("example.org"))))) == "example.org");
}

TEST_CASE("it may come in several records and in any number of pieces", "[plan]") {
  for (const std::size_t part : {1U, 3U, 4U, 5U, 40U, 100U}) CHECK(read(records(client_hello(sni("example.org")), part)) == "example.org");
  const auto whole = records(client_hello(sni("example.org")), 50);
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK(read(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))) == "incomplete");
}

TEST_CASE("what does not say one name, once and in the open, is refused", "[plan]") {
  const auto name = sni("example.org");
  CHECK(read(records(client_hello({}))) == "refused");
  CHECK(read(records(client_hello(extension(10, {})))) == "refused");
  CHECK(read(records(client_hello(joined(name, name)))) == "refused");
  CHECK(read(records(client_hello(joined(name, sni("evil.org"))))) == "refused");
  CHECK(read(records(client_hello(extension(0, vector_of(2, joined(server_name("a.org"), server_name("b.org"))))))) == "refused");
  CHECK(read(records(client_hello(extension(0, vector_of(2, server_name("a.org", 1)))))) == "refused");
  CHECK(read(records(client_hello(extension(0, vector_of(2, {}))))) == "refused");
  CHECK(read(records(client_hello(sni("")))) == "refused");
  CHECK(read(records(client_hello(sni(std::string("a.org\0.evil", 11))))) == "refused");
  CHECK(read(records(client_hello(sni("a.org\r\n")))) == "refused");
  CHECK(read(records(client_hello(sni("b\xC3\xBC.org")))) == "refused");
  CHECK(read(records(client_hello(sni(std::string(256, 'a'))))) == "refused");
  CHECK(read(records(client_hello(joined(name, {0})))) == "refused");
}

TEST_CASE("what is no ClientHello is refused at its first bytes", "[plan]") {
  CHECK(read({'S'}) == "refused");
  CHECK(read({'G', 'E', 'T', ' '}) == "refused");
  CHECK(read({0x80, 0x2E, 1, 3, 1}) == "refused");           // as SSL 2 had it
  CHECK(read({23, 3, 3, 0, 1, 0}) == "refused");             // data before a hello
  CHECK(read({22, 2, 0, 0, 4, 1, 0, 0, 0}) == "refused");    // a version that never was
  CHECK(read({22, 3, 1, 0, 0}) == "refused");                // an empty record
  CHECK(read({22, 3, 1, 0x40, 1}) == "refused");             // one that is too long
  CHECK(read({22, 3, 1, 0, 4, 2, 0, 0, 0}) == "refused");    // a server's
  CHECK(read({22, 3, 1, 0, 4, 1, 0xFF, 0xFF, 0xFF}) == "refused");
  // Something behind it, before the server has answered.
  CHECK(read(records(joined(client_hello(sni("example.org")), {1, 0, 0, 0}))) == "refused");
}

TEST_CASE("no bytes make it read past them, or take another name", "[plan]") {
  std::mt19937 random(7);
  const auto whole = records(client_hello(joined(extension(10, {0, 2, 0, 29}), sni("example.org"))), 60);
  for (int round = 0; round < 20000; ++round) {
    auto bytes = whole;
    for (int change = 0; change < 1 + round % 3; ++change) bytes[random() % bytes.size()] = static_cast<unsigned char>(random());
    bytes.resize(bytes.size() - random() % 4);
    read(bytes);
  }
  SUCCEED();
}
