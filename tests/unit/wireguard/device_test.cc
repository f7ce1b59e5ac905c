// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/device.h"

#include <gtest/gtest.h>

#include "tests/support/wireguard_pair.h"

namespace weft::wireguard {
namespace {

using test::make_udp4;
using test::make_udp6;
using test::WireguardPair;

TEST(Device, CarriesAPacketThatWaitedForTheHandshake) {
  WireguardPair pair;
  const Time start = pair.now();
  EXPECT_EQ(pair.send(0, "hello"), PacketVerdict::staged);
  ASSERT_TRUE(pair.drive_until([&] { return pair.received(1, "hello"); }));
  EXPECT_EQ(pair.now() - start, 3 * WireguardPair::kLatency);  // initiation, response, data
  EXPECT_EQ(pair.send(1, "back"), PacketVerdict::ready);
  ASSERT_TRUE(pair.drive_until([&] { return pair.received(0, "back"); }));
  EXPECT_EQ(pair.events<HandshakeCompleted>(0), 1);
  EXPECT_EQ(pair.events<HandshakeCompleted>(1), 1);
  EXPECT_TRUE(std::get<HandshakeCompleted>(pair[0].events[0]).initiator);
  EXPECT_FALSE(std::get<HandshakeCompleted>(pair[1].events[0]).initiator);
  EXPECT_EQ(pair.device(0).stats(pair[0].peer).tx_bytes, pair.device(1).stats(pair[1].peer).rx_bytes);
  EXPECT_TRUE(pair.device(0).stats(pair[0].peer).has_session);
}

TEST(Device, UsesThePresharedKey) {
  WireguardPair::Options options;
  options.preshared_key.mutable_bytes()[0] = 1;
  WireguardPair with(options);
  EXPECT_TRUE(with.connect());
}

}  // namespace
}  // namespace weft::wireguard
