// SPDX-License-Identifier: GPL-2.0-only
#include "sim/traffic/canary.h"

#include <gtest/gtest.h>

#include "sim/traffic/inner_packet.h"

namespace weft::traffic {
namespace {

TEST(Canary, PayloadNamesItsFlowAndNumber) {
  const Bytes payload = make_payload(7, 9, 100);
  const auto parsed = parse_payload(payload);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->flow, 7u);
  EXPECT_EQ(parsed->number, 9u);
}

TEST(Canary, AnyChangedByteIsNoticed) {
  const Bytes payload = make_payload(7, 9, 64);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    if (i >= kCanary.size() && i < kCanary.size() + 16)
      continue;  // another flow or number, judged by the pattern behind it
    Bytes changed = payload;
    changed[i] ^= 1;
    EXPECT_FALSE(parse_payload(changed)) << i;
  }
}

TEST(Canary, IsFoundAnywhereInAPacket) {
  const Bytes packet =
      make_udp({IpAddress::v4(100, 64, 0, 1), 1}, {IpAddress::v4(100, 64, 0, 2), 2}, make_payload(1, 2, 40));
  EXPECT_TRUE(contains_canary(packet));
  EXPECT_FALSE(contains_canary(ByteView{packet}.first(40)));
}

TEST(InnerPacket, EchoSurvivesTheRoundTripInBothFamilies) {
  for (const auto& [from, to] : {std::pair{"100.64.0.1", "100.64.0.2"}, std::pair{"fd00::1", "fd00::2"}}) {
    const EchoMessage message{*IpAddress::parse(from), *IpAddress::parse(to), true, 3, 4};
    const Bytes payload = make_payload(1, 2, 56);
    Bytes packet = make_echo(message, payload);
    const auto echo = parse_echo(packet);
    ASSERT_TRUE(echo);
    EXPECT_EQ(echo->message.source, message.source);
    EXPECT_TRUE(echo->message.reply);
    EXPECT_EQ(echo->message.identifier, 3);
    EXPECT_EQ(echo->message.sequence, 4);
    EXPECT_EQ(to_bytes(echo->payload), payload);
    packet.back() ^= 1;
    EXPECT_FALSE(parse_echo(packet));
  }
}

}  // namespace
}  // namespace weft::traffic
