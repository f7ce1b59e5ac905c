// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/messages.h"

#include <gtest/gtest.h>

#include "mesh/base/random.h"
#include "tests/unit/wireguard/noise_vectors.h"

namespace weft::wireguard {
namespace {

Bytes hex(std::string_view text) { return *from_hex(text); }

TEST(Messages, RoundTripByteForByte) {
  for (const auto text : {vector::kInitiation}) EXPECT_EQ(serialize(*parse_initiation(hex(text))), hex(text));
  EXPECT_EQ(serialize(*parse_response(hex(vector::kResponse))), hex(vector::kResponse));
  SeededRandom random(1, "messages");
  Bytes cookie(kCookieReplySize);
  random.fill(cookie);
  store_u32le(cookie.data(), 3);
  EXPECT_EQ(serialize(*parse_cookie_reply(cookie)), cookie);
}

TEST(Messages, ReadIndicesLittleEndian) {
  EXPECT_EQ(parse_initiation(hex(vector::kInitiation))->sender_index, 0x11223344u);
  EXPECT_EQ(parse_response(hex(vector::kResponse))->sender_index, 0xA1B2C3D4u);
  EXPECT_EQ(parse_response(hex(vector::kResponse))->receiver_index, 0x11223344u);
  EXPECT_EQ(parse_transport(hex(vector::kDataCounter7))->counter, 7u);
}

TEST(Messages, HaveOneLengthPerType) {
  for (std::uint8_t type = 0; type <= 5; ++type) {
    for (std::size_t length = 0; length <= 200; ++length) {
      Bytes bytes(length);
      if (length > 0) bytes[0] = type;
      const bool fits = (type == 1 && length == 148) || (type == 2 && length == 92) || (type == 3 && length == 64) ||
                        (type == 4 && length >= 32);
      EXPECT_EQ(message_type(bytes).has_value(), fits) << int{type} << " with " << length;
      EXPECT_EQ(parse_initiation(bytes).has_value(), fits && type == 1);
      EXPECT_EQ(parse_response(bytes).has_value(), fits && type == 2);
      EXPECT_EQ(parse_cookie_reply(bytes).has_value(), fits && type == 3);
      EXPECT_EQ(parse_transport(bytes).has_value(), fits && type == 4);
    }
  }
}

TEST(Messages, RefuseReservedBytesThatAreNotZero) {
  for (std::size_t at = 1; at < 4; ++at) {
    Bytes changed = hex(vector::kInitiation);
    changed[at] = 1;
    EXPECT_EQ(parse_initiation(changed).error(), MessageError::unknown_type);
  }
}

// 2001-09-09 01:46:40 UTC is 1e9 s after the epoch: 2^62 + 10 + 1e9 on the label.
TEST(Tai64n, CountsFromTheEpochBigEndian) {
  const WallTime time{Duration(1'000'000'000'123'456'789)};
  EXPECT_EQ(to_hex(to_tai64n(time).bytes), "400000003b9aca0a075bcd15");
  EXPECT_EQ(to_hex(to_tai64n(WallTime(Duration(-5))).bytes), "400000000000000a00000000");
  EXPECT_LT(to_tai64n(time), to_tai64n(time + 1ns));
  EXPECT_LT(to_tai64n(time), to_tai64n(time + 1000h));
}

}  // namespace
}  // namespace weft::wireguard
