// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/cookie.h"

#include <gtest/gtest.h>

#include "mesh/wireguard/limits.h"
#include "tests/support/seeded_entropy.h"

namespace weft::wireguard {
namespace {

class Cookie : public testing::Test {
 protected:
  test::SeededEntropy entropy_{1};
  const crypto::PublicKey key_ = crypto::PrivateKey::generate(entropy_).public_key();
  CookieGenerator generator_{key_};
  CookieChecker checker_{key_, entropy_};
  const Time now_{Duration(1s)};
  const PathId here_{.socket = 1, .relay = 0, .remote = *Endpoint::parse("192.0.2.1:1000")};

  Bytes message(Time now) {
    Bytes bytes(kInitiationSize, 7);
    generator_.add_macs(now, bytes);
    return bytes;
  }
  /// A round: message without cookie, reply, and the cookie is taken.
  void learn(Time now, const PathId& from) {
    const auto reply = parse_cookie_reply(checker_.make_reply(now, message(now), 77, from));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->receiver_index, 77u);
    ASSERT_TRUE(generator_.consume_reply(now, *reply));
  }
};

TEST_F(Cookie, Mac1CoversEveryByteBeforeIt) {
  Bytes bytes = message(now_);
  EXPECT_TRUE(checker_.mac1_valid(bytes));
  EXPECT_FALSE(checker_.mac2_valid(now_, bytes, here_));
  for (std::size_t i = 0; i < kInitiationSize - kMacSize; ++i) {
    bytes[i] ^= 1;
    EXPECT_FALSE(checker_.mac1_valid(bytes)) << i;
    bytes[i] ^= 1;
  }
}

TEST_F(Cookie, Mac1IsForOneReceiver) {
  const CookieChecker other(crypto::PrivateKey::generate(entropy_).public_key(), entropy_);
  EXPECT_FALSE(other.mac1_valid(message(now_)));
}

TEST_F(Cookie, AProvenSenderHasAValidMac2) {
  learn(now_, here_);
  const Bytes bytes = message(now_);
  EXPECT_TRUE(checker_.mac1_valid(bytes));
  EXPECT_TRUE(checker_.mac2_valid(now_, bytes, here_));
}

TEST_F(Cookie, IsBoundToAddressPortAndRelay) {
  learn(now_, here_);
  const Bytes bytes = message(now_);
  PathId other = here_;
  other.remote.port = 1001;
  EXPECT_FALSE(checker_.mac2_valid(now_, bytes, other));
  other = here_;
  other.remote.address = IpAddress::v4(192, 0, 2, 2);
  EXPECT_FALSE(checker_.mac2_valid(now_, bytes, other));
  other = here_;
  other.relay = 3;
  EXPECT_FALSE(checker_.mac2_valid(now_, bytes, other));
  other = here_;
  other.socket = 2;  // ours, not the sender's
  EXPECT_TRUE(checker_.mac2_valid(now_, bytes, other));
}

TEST_F(Cookie, TheSenderStopsUsingItBeforeTheReceiverChangesItsSecret) {
  learn(now_, here_);
  const Time late = now_ + kCookieLifetime - kCookieLatency;
  EXPECT_TRUE(checker_.mac2_valid(late - 1ns, message(late - 1ns), here_));
  const Bytes without = message(late);
  EXPECT_EQ(to_hex(ByteView(without).last(kMacSize)), "00000000000000000000000000000000");
  EXPECT_FALSE(checker_.mac2_valid(late, without, here_));
}

TEST_F(Cookie, TheSecretChangesAfterTwoMinutes) {
  learn(now_, here_);
  const Bytes bytes = message(now_);
  EXPECT_TRUE(checker_.mac2_valid(now_ + kCookieLifetime - 1ns, bytes, here_));
  EXPECT_FALSE(checker_.mac2_valid(now_ + kCookieLifetime, bytes, here_));
}

TEST_F(Cookie, AReplyAnswersTheLastMessageOnceAndUnchanged) {
  const Bytes first = message(now_);
  const auto for_first = *parse_cookie_reply(checker_.make_reply(now_, first, 1, here_));
  Bytes second(kInitiationSize, 8);
  generator_.add_macs(now_, second);
  EXPECT_FALSE(generator_.consume_reply(now_, for_first));
  auto for_second = *parse_cookie_reply(checker_.make_reply(now_, second, 1, here_));
  auto changed = for_second;
  changed.encrypted_cookie[0] ^= 1;
  EXPECT_FALSE(generator_.consume_reply(now_, changed));
  EXPECT_TRUE(generator_.consume_reply(now_, for_second));
  EXPECT_FALSE(generator_.consume_reply(now_, for_second));
}

}  // namespace
}  // namespace weft::wireguard
