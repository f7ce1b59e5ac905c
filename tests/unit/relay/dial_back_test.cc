// SPDX-License-Identifier: BSD-3-Clause
// A node asks its relay to send to a port of its own, and to nobody else's.
#include "mesh/relay/dial_back.h"

#include <gtest/gtest.h>

#include "tests/unit/relay/wires.h"

namespace weft::relay {
namespace {

const DialToken kToken{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};
const IpAddress kOutside = IpAddress::v4(203, 0, 113, 7);

TEST(DialBack, BytesAreAsDocumented) {
  EXPECT_EQ(to_hex(encode(DialRequest{kToken, 0x1234})), "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf1234");
  EXPECT_EQ(to_hex(encode(Dialled{kToken, DialOutcome::sent, kOutside})),
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0004cb007107000000000000000000000000");
  EXPECT_EQ(to_hex(dial_datagram(kToken)), "d816a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");
}

TEST(DialBack, SurvivesTheWire) {
  EXPECT_EQ(parse_dial_request(encode(DialRequest{kToken, 443})), (DialRequest{kToken, 443}));
  for (const auto& dialled :
       {Dialled{kToken, DialOutcome::rate_limited, kOutside}, Dialled{kToken, DialOutcome::unavailable, std::nullopt},
        Dialled{kToken, DialOutcome::sent, IpAddress::loopback(IpFamily::v6)}}) {
    EXPECT_EQ(parse_dialled(encode(dialled)), dialled);
  }
  EXPECT_EQ(parse_dial_datagram(dial_datagram(kToken)), kToken);
}

TEST(DialBack, RefusesWhatIsShortOrHasNoPort) {
  Bytes request = encode(DialRequest{kToken, 0});
  EXPECT_FALSE(parse_dial_request(request));
  request.pop_back();
  EXPECT_FALSE(parse_dial_request(request));
  Bytes dialled = encode(Dialled{});
  dialled.pop_back();
  EXPECT_FALSE(parse_dialled(dialled));
  EXPECT_FALSE(parse_dial_datagram(ByteView(dial_datagram(kToken)).first(kDialSize - 1)));
  EXPECT_FALSE(parse_udp_control(dial_datagram(kToken)));
  EXPECT_FALSE(data_channel(dial_datagram(kToken)));
}

TEST(DialBack, GoesToTheAddressThatTheRelayKnowsTheNodeBy) {
  Wires wires;
  auto& by_stream = wires.connect(crypto::PrivateKey::generate(wires.entropy), {}, {}, {}, kOutside);
  auto& by_udp = wires.connect(crypto::PrivateKey::generate(wires.entropy), {}, {},
                               Endpoint{IpAddress::v4(192, 0, 2, 1), 1001}, kOutside);
  wires.settle();
  ASSERT_TRUE(by_stream.session->dial_back({kToken, 5000}));
  ASSERT_TRUE(by_udp.session->dial_back({kToken, 5001}));
  wires.settle();
  const auto first = wires.hub.poll_dial();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->to, (Endpoint{kOutside, 5000}));
  EXPECT_EQ(first->bytes, dial_datagram(kToken));
  EXPECT_EQ(wires.hub.poll_dial()->to, (Endpoint{IpAddress::v4(192, 0, 2, 1), 5001}));
  EXPECT_FALSE(wires.hub.poll_dial());
  ASSERT_EQ(by_stream.all<Dialled>().size(), 1u);
  EXPECT_EQ(by_stream.all<Dialled>()[0], (Dialled{kToken, DialOutcome::sent, kOutside}));
}

TEST(DialBack, IsUnavailableWithoutAnIpv4Address) {
  Wires wires;
  auto& client =
      wires.connect(crypto::PrivateKey::generate(wires.entropy), {}, {}, {}, IpAddress::loopback(IpFamily::v6));
  wires.settle();
  client.session->dial_back({kToken, 5000});
  wires.settle();
  EXPECT_FALSE(wires.hub.poll_dial());
  ASSERT_EQ(client.all<Dialled>().size(), 1u);
  EXPECT_EQ(client.all<Dialled>()[0].outcome, DialOutcome::unavailable);
  EXPECT_EQ(wires.hub.counters().dials_refused, 1u);
}

TEST(DialBack, CannotBeAskedForBeforeTheWelcome) {
  Wires wires;
  auto& client = wires.connect();
  EXPECT_FALSE(client.session->dial_back({kToken, 5000}));
}

TEST(DialBack, IsNeverMoreThanWasAskedFor) { EXPECT_GE(kLengthSize + 1 + encode(DialRequest{}).size(), kDialSize); }

TEST(DialLimiter, GivesAnAddressABurstAndThenARate) {
  DialLimiter limiter;
  Time now{1h};
  for (int i = 0; i < DialLimiter::kBurst; ++i) EXPECT_TRUE(limiter.allow(now, kOutside));
  EXPECT_FALSE(limiter.allow(now, kOutside));
  EXPECT_TRUE(limiter.allow(now, IpAddress::v4(203, 0, 113, 8)));
  now += DialLimiter::kInterval;
  EXPECT_TRUE(limiter.allow(now, kOutside));
  EXPECT_FALSE(limiter.allow(now, kOutside));
}

TEST(DialLimiter, RemembersABoundedNumberOfAddresses) {
  DialLimiter limiter;
  const Time now{1h};
  for (std::uint32_t i = 0; i < DialLimiter::kMaxAddresses; ++i) ASSERT_TRUE(limiter.allow(now, IpAddress::v4(i + 1)));
  EXPECT_FALSE(limiter.allow(now, kOutside));
  EXPECT_TRUE(limiter.allow(now + DialLimiter::kInterval, kOutside)) << "idle addresses are forgotten";
}

}  // namespace
}  // namespace weft::relay
