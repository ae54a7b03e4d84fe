#include <jailed/core/siphash.hpp>
#include <string>

#include "catch.hpp"

using jailed::core::siphash;

TEST_CASE("SipHash is the published one", "[core]") {
  // From the reference implementation's vectors: the key 00 01 … 0f, the texts 00 01 … of each length.
  constexpr jailed::core::SipKey key = {0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
  std::string text;
  CHECK(siphash(key, text) == 0x726fdb47dd0e0e31U);
  text += '\0';
  CHECK(siphash(key, text) == 0x74f839c593dc67fdU);
  for (char c = 1; c < 15; ++c) text += c;
  CHECK(siphash(key, text) == 0xa129ca6149be45e5U);
}
