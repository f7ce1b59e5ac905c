// SPDX-License-Identifier: BSD-3-Clause
// The test vectors of RFC 5769 (short-term and long-term credentials) and of RFC 8489 appendix B.1 with erratum 6268.
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include "mesh/stun/attributes.h"
#include "mesh/stun/integrity.h"

namespace weft::stun {
namespace {

constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";
constexpr std::string_view kTransaction = "b7e7a701bc34d686fa87dfae";

// §2.1
constexpr std::string_view kRequest =
    "0001 0058 2112a442 b7e7a701 bc34d686 fa87dfae"           // Binding request
    "8022 0010 5354554e 20746573 7420636c 69656e74"           // SOFTWARE
    "0024 0004 6e0001ff"                                      // PRIORITY
    "8029 0008 932ff9b1 51263b36"                             // ICE-CONTROLLED
    "0006 0009 6576746a 3a683676 59202020"                    // USERNAME, padded by spaces
    "0008 0014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2"  // MESSAGE-INTEGRITY
    "8028 0004 e57a3bcf";                                     // FINGERPRINT
// §2.2
constexpr std::string_view kResponseV4 =
    "0101 003c 2112a442 b7e7a701 bc34d686 fa87dfae"
    "8022 000b 74657374 20766563 746f7220"
    "0020 0008 0001a147 e112a643"  // XOR-MAPPED-ADDRESS
    "0008 0014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7"
    "8028 0004 c07d4c96";
// §2.3
constexpr std::string_view kResponseV6 =
    "0101 0048 2112a442 b7e7a701 bc34d686 fa87dfae"
    "8022 000b 74657374 20766563 746f7220"
    "0020 0014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9"
    "0008 0014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41"
    "8028 0004 c8fb0b4c";
// §2.4
constexpr std::string_view kLongTermRequest =
    "0001 0060 2112a442 78ad3433 c6ad72c0 29da412e"
    "0006 0012 e3839ee3 8388e383 aae38383 e382afe3 82b90000"                    // USERNAME
    "0015 001c 662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341"  // NONCE
    "0014 000b 6578616d 706c652e 6f726700"                                      // REALM
    "0008 0014 f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666";
// RFC 8489 appendix B.1, corrected by erratum 6268
constexpr std::string_view kSha256Request =
    "0001 0090 2112a442 78ad3433 c6ad72c0 29da412e"
    "001e 0020 4a3cf38f ef6992bd a952c678 0417da0f 24819415 569e60b2 05c46e41 407f1704"  // USERHASH
    "0015 0029 6f62 4d61 744a6f73 32414141 43662f2f 3439396b 39353464 364f4c33 346f4c39 46535476 79363473 41000000"
    "0014 000b 6578616d 706c652e 6f726700"  // REALM
    "001d 0004 00020000"                    // PASSWORD-ALGORITHM: SHA-256
    "001c 0020 b5c7bf00 5b6c52a2 1c51c5e8 92f81924 136296cb 927c4314 9309278c c6518e65";

constexpr std::string_view kUsername = "\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9";
constexpr std::string_view kPreparedPassword =
    "TheMatrIX";  // what SASLprep and OpaqueString make of The<AD>M<AA>tr<2168>

Bytes vector(std::string_view hex) { return *from_hex(hex); }

TEST(Rfc5769, ReadsTheSampleRequest) {
  const Bytes datagram = vector(kRequest);
  const auto message = parse(datagram);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->message_class, Class::request);
  EXPECT_EQ(message->method, kBindingMethod);
  EXPECT_EQ(to_hex(message->transaction_id), kTransaction);
  ASSERT_EQ(message->attributes.size(), 6U);
  EXPECT_EQ(as_text(message->find(AttributeType::software)->value), "STUN test client");
  EXPECT_EQ(as_text(message->find(AttributeType::username)->value), "evtj:h6vY");
  EXPECT_TRUE(check_message_integrity(datagram, as_bytes(kPassword)));
  EXPECT_TRUE(check_fingerprint(datagram));
}

TEST(Rfc5769, ReadsTheSampleIpv4Response) {
  const Bytes datagram = vector(kResponseV4);
  const auto message = parse(datagram);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->message_class, Class::success);
  EXPECT_EQ(reflexive_address(*message), *Endpoint::parse("192.0.2.1:32853"));
  EXPECT_TRUE(check_message_integrity(datagram, as_bytes(kPassword)));
  EXPECT_TRUE(check_fingerprint(datagram));
}

TEST(Rfc5769, ReadsTheSampleIpv6Response) {
  const Bytes datagram = vector(kResponseV6);
  const auto message = parse(datagram);
  ASSERT_TRUE(message);
  EXPECT_EQ(reflexive_address(*message), *Endpoint::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
  EXPECT_TRUE(check_message_integrity(datagram, as_bytes(kPassword)));
  EXPECT_TRUE(check_fingerprint(datagram));
}

TEST(Rfc5769, VerifiesTheLongTermRequest) {
  const Bytes datagram = vector(kLongTermRequest);
  const auto message = parse(datagram);
  ASSERT_TRUE(message);
  EXPECT_EQ(as_text(message->find(AttributeType::username)->value), kUsername);
  EXPECT_TRUE(check_message_integrity(datagram, long_term_key(kUsername, "example.org", kPreparedPassword)));
  EXPECT_EQ(check_message_integrity(datagram, long_term_key(kUsername, "example.org", "TheMatrix")),
            std::unexpected(StunError::wrong_integrity));
}

TEST(Rfc8489, VerifiesTheSha256Request) {
  const Bytes datagram = vector(kSha256Request);
  ASSERT_TRUE(parse(datagram));
  const std::string text = std::string(kUsername) + ":example.org:" + std::string(kPreparedPassword);
  Bytes key(32);
  SHA256(as_bytes(text).data(), text.size(), key.data());
  EXPECT_TRUE(check_message_integrity_sha256(datagram, key));
  key[0] ^= 1;
  EXPECT_EQ(check_message_integrity_sha256(datagram, key), std::unexpected(StunError::wrong_integrity));
}

// The sample responses again, byte by byte, but for their padding, which the RFC fills with spaces and we with zeros.
TEST(Rfc5769, WritesTheSampleIpv4ResponseApartFromPadding) {
  Message message{.message_class = Class::success};
  std::ranges::copy(vector(kTransaction), message.transaction_id.begin());
  add_software(message, "test vector");
  add_xor_mapped_address(message, *Endpoint::parse("192.0.2.1:32853"));
  Bytes expected = vector(kResponseV4);
  expected.resize(expected.size() - 24 - 8);  // without MESSAGE-INTEGRITY and FINGERPRINT
  store_u16be(expected.data() + 2, static_cast<std::uint16_t>(expected.size() - kHeaderSize));
  expected[kHeaderSize + 4 + 11] = 0;
  EXPECT_EQ(to_hex(encode(message)), to_hex(expected));
}

TEST(Rfc5769, AppendsTheSampleIntegrityAndFingerprint) {
  for (const std::string_view sample : {kRequest, kResponseV4, kResponseV6}) {
    const Bytes expected = vector(sample);
    Bytes message(expected.begin(), expected.end() - 24 - 8);
    store_u16be(message.data() + 2, static_cast<std::uint16_t>(message.size() - kHeaderSize));
    append_message_integrity(message, as_bytes(kPassword));
    append_fingerprint(message);
    EXPECT_EQ(to_hex(message), to_hex(expected));
  }
}

TEST(Rfc5769, NoticesEveryFlippedBit) {
  const Bytes original = vector(kResponseV6);
  for (std::size_t bit = 0; bit < original.size() * 8; ++bit) {
    Bytes changed = original;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(check_fingerprint(changed)) << "bit " << bit;
  }
}

}  // namespace
}  // namespace weft::stun
