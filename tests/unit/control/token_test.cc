// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/token.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "mesh/control/backoff.h"

namespace weft::control {
namespace {

Token example() {
  Token token;
  token.endpoints = {*Endpoint::parse("192.0.2.1:443"), *Endpoint::parse("[2001:db8::1]:8443")};
  std::array<std::uint8_t, 32> key;
  key.fill(0xAB);
  token.coordinator_key = crypto::PublicKey(key);
  token.secret.fill(0x5C);
  token.tls = false;
  token.provenance = KeyProvenance::simulated;
  return token;
}

TEST(Token, ReturnsAsItWas) {
  EXPECT_EQ(parse_token(encode(example())), example());
  Token plain = example();
  plain.tls = true;
  plain.provenance = KeyProvenance::operating_system;
  plain.endpoints.pop_back();
  EXPECT_EQ(parse_token(encode(plain)), plain);
}

TEST(Token, HasTheDocumentedLayout) {
  // version, flags, 1 endpoint: IPv4 192.0.2.1 port 443, key, secret, CRC-32 by zlib
  Token token = example();
  token.endpoints.pop_back();
  const auto bytes = from_base32(encode(token).substr(6));
  ASSERT_TRUE(bytes);
  EXPECT_EQ(to_hex(*bytes),
            "01010104c000020101bb" + to_hex(token.coordinator_key.bytes()) + to_hex(token.secret) + "5e31c4c9");
}

TEST(Token, CaseAndSurroundingSpaceDoNotMatter) {
  std::string text = encode(example());
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  EXPECT_EQ(parse_token("  " + text + "\r\n"), example());
}

TEST(Token, EachChangedCharacterIsNoticed) {
  const std::string good = encode(example());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'b' ? 'c' : 'b';
    EXPECT_FALSE(parse_token(bad)) << i;
  }
}

TEST(Token, EachTruncationIsNoticed) {
  const std::string good = encode(example());
  for (std::size_t length = 0; length < good.size(); ++length) EXPECT_FALSE(parse_token(good.substr(0, length)));
}

TEST(Token, ErrorsSayWhatIsWrong) {
  EXPECT_EQ(parse_token("").error(), ControlError::malformed);
  EXPECT_EQ(parse_token("hello").error(), ControlError::malformed);
  std::string changed = encode(example());
  changed[20] = changed[20] == 'b' ? 'c' : 'b';
  EXPECT_EQ(parse_token(changed).error(), ControlError::bad_checksum);
}

TEST(Backoff, DoublesUpToItsLimitAndStartsAnew) {
  SeededRandom random(1, "backoff");
  Backoff backoff(random, {.first = 1s, .longest = 8s});
  for (const Duration step : {Duration(1s), Duration(2s), Duration(4s), Duration(8s), Duration(8s)}) {
    const Duration wait = backoff.next();
    EXPECT_GE(wait, step / 2);
    EXPECT_LE(wait, step);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), 1s);
  backoff.slow_down();
  EXPECT_GE(backoff.next(), 4s);
}

TEST(Backoff, ManyClientsDoNotReturnTogether) {
  std::set<Duration> waits;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SeededRandom random(seed, "backoff");
    Backoff backoff(random);
    waits.insert(backoff.next());
  }
  EXPECT_GT(waits.size(), 95u);
}

}  // namespace
}  // namespace weft::control
