// SPDX-License-Identifier: GPL-2.0-only
// Each invariant against the fault it is there for.
#include "sim/scenario/invariants.h"

#include <gtest/gtest.h>

#include "mesh/path/probe.h"
#include "mesh/relay/udp_frame.h"
#include "sim/fabric/headers.h"

namespace weft::sim {
namespace {

const IpAddress kHome = IpAddress::v4(192, 168, 1, 10), kUs = IpAddress::v4(203, 0, 113, 1);
const IpAddress kPeer = IpAddress::v4(203, 0, 113, 2), kOtherPeer = IpAddress::v4(203, 0, 113, 3);
const IpAddress kStranger = IpAddress::v4(198, 51, 100, 7);

/// A path probe in IPv4, from port 41641.
Bytes probe(const IpAddress& from, const IpAddress& to, std::uint16_t port = 41641, std::string_view content = "") {
  const std::size_t header = fabric::ip_header_size(IpFamily::v4), size = fabric::kUdpHeader + 40 + content.size();
  Bytes packet(header + size);
  fabric::write_ip_header(packet.data(), {.source = from, .destination = to}, size);
  store_u16be(packet.data() + header, 41641);
  store_u16be(packet.data() + header + 2, port);
  store_u16be(packet.data() + header + 4, static_cast<std::uint16_t>(size));
  packet[header + fabric::kUdpHeader] = path::kProbeMagic;
  std::copy(content.begin(), content.end(), packet.end() - static_cast<std::ptrdiff_t>(content.size()));
  return packet;
}

Invariants invariants(Invariants::Sharing sharing = {}) {
  return {to_bytes(as_bytes("canary")), sharing,
          [](const IpAddress& address) { return address == kUs || address == kPeer || address == kOtherPeer; }};
}

/// The one sentence of what `feed` does, or all of them joined.
template <typename Feed>
std::string violation(Feed feed, Invariants::Sharing sharing = {}) {
  Invariants watched = invariants(sharing);
  watched.see(Time{1s}, probe(kHome, kPeer));
  feed(watched);
  std::string all;
  for (const std::string& sentence : watched.violations()) all += sentence + "\n";
  return all;
}

TEST(Invariants, HoldForAProbeToWhatAPeerHasReported) {
  EXPECT_EQ(violation([](Invariants& watched) { watched.see(Time{1s}, probe(kUs, kPeer)); }), "");
}

TEST(Invariants, NoticeThatNothingWasSeen) {
  EXPECT_NE(invariants().violations().front().find("no packet"), std::string::npos);
}

TEST(Invariants, NoticePlaintext) {
  const auto feed = [](Invariants& watched) { watched.see(Time{1s}, probe(kUs, kPeer, 1, "a canary sang")); };
  EXPECT_NE(violation(feed).find("plaintext"), std::string::npos);
}

TEST(Invariants, NoticeAProbeToAPrivateAddressUnlessANetworkIsShared) {
  const IpAddress overlay = IpAddress::v4(100, 64, 0, 7);
  for (const IpAddress& to : {IpAddress::v4(192, 168, 1, 11), IpAddress::v4(10, 0, 0, 7), overlay}) {
    const auto feed = [&](Invariants& watched) { watched.see(Time{1s}, probe(kHome, to)); };
    EXPECT_NE(violation(feed).find("private address"), std::string::npos) << to.to_string();
    // No network has addresses of the overlay.
    if (to == overlay) continue;
    EXPECT_EQ(violation(feed, {.networks = true, .nats = true}), "");
  }
}

TEST(Invariants, NoticeAProbeToAnAddressThatNobodyReported) {
  const auto feed = [](Invariants& watched) { watched.see(Time{1s}, probe(kHome, kStranger)); };
  EXPECT_NE(violation(feed).find("no node has reported"), std::string::npos);
}

TEST(Invariants, NoticeAPacketToItsOwnSource) {
  const auto feed = [](Invariants& watched) { watched.see(Time{1s}, probe(kUs, kUs)); };
  EXPECT_NE(violation(feed).find("same source and destination"), std::string::npos);
}

TEST(Invariants, NoticeAPacketToAnAddressOfTheOverlay) {
  const auto feed = [](Invariants& watched) { watched.see(Time{1s}, probe(kUs, IpAddress::v4(100, 64, 0, 7))); };
  EXPECT_NE(violation(feed).find("invariant no_loop: a packet on a wire was from or to an address of the overlay"),
            std::string::npos);
}

TEST(Invariants, NoticeANonceThatIsUsedTwiceAndNotACopyOfAProbe) {
  const auto feed = [](std::string_view content) {  // violation() has shown a probe without content
    return [content](Invariants& watched) { watched.see(Time{1s}, probe(kUs, kPeer, 41641, content)); };
  };
  EXPECT_EQ(violation(feed("")), "");
  EXPECT_NE(violation(feed("another")).find("invariant nonces: a nonce was used for different probes (1 messages"),
            std::string::npos);
}

TEST(Invariants, NoticeACounterThatIsUsedTwiceAlsoBehindARelaysHeader) {
  const auto message = [](std::uint8_t counter, std::string_view content, bool relayed) {
    Bytes packet = probe(kUs, kPeer, 41641, std::string(40, 'x'));
    std::uint8_t* at = packet.data() + fabric::ip_header_size(IpFamily::v4) + fabric::kUdpHeader;
    if (relayed) relay::write_data_header(at, 7);
    if (relayed) at += relay::kUdpDataHeader;
    at[0] = 4;
    at[1] = at[2] = at[3] = 0;
    at[8] = counter;
    std::copy(content.begin(), content.end(), at + 16);
    packet.resize(packet.size() - (relayed ? 0 : relay::kUdpDataHeader));
    return packet;
  };
  const auto told = [&](const Bytes& first, const Bytes& second) {
    return violation([&](Invariants& watched) { watched.see(Time{1s}, first), watched.see(Time{1s}, second); });
  };
  EXPECT_EQ(told(message(1, "a", false), message(2, "b", false)), "");
  EXPECT_EQ(told(message(1, "a", false), message(1, "a", false)), "");
  EXPECT_NE(told(message(1, "a", false), message(1, "b", false)).find("invariant counters:"), std::string::npos);
  EXPECT_NE(told(message(1, "a", false), message(1, "b", true)).find("invariant counters:"), std::string::npos);
}

/// A handshake that leaves a carrier must have come to it, or the carrier is an end of the session itself.
TEST(Invariants, NoticeACarrierThatMakesHandshakes) {
  const auto initiation = [](relay::UdpType type, char key) {
    Bytes packet = probe(kUs, kPeer, 41641, std::string(148 + relay::kUdpDataHeader - 40, 'x'));
    std::uint8_t* at = packet.data() + fabric::ip_header_size(IpFamily::v4) + fabric::kUdpHeader;
    relay::write_data_header(at, 7, type);
    at += relay::kUdpDataHeader;
    std::fill_n(at, 148, static_cast<std::uint8_t>(key));
    at[0] = 1;
    at[1] = at[2] = at[3] = 0;
    return packet;
  };
  const auto told = [&](char given, char handed_on) {
    return violation([&](Invariants& watched) {
      watched.see(Time{1s}, initiation(relay::UdpType::carry, given));
      watched.see(Time{1s}, initiation(relay::UdpType::carried, handed_on));
    });
  };
  EXPECT_EQ(told('a', 'a'), "");
  EXPECT_NE(told('a', 'b').find("nobody gave it"), std::string::npos);
}

TEST(Invariants, NoticeMoreThanTwoHundredNewFlowsASecond) {
  const auto flows = [](Duration gap) {
    return [gap](Invariants& watched) {
      for (std::uint16_t i = 0; i < 500; ++i) watched.see(Time{1s} + i * gap, probe(kUs, kPeer, 2000 + i));
    };
  };
  EXPECT_EQ(violation(flows(5ms)), "");
  EXPECT_NE(violation(flows(3ms)).find("200 new flows"), std::string::npos);
  EXPECT_EQ(violation(flows(3ms), {.nats = true}), "");
}

TEST(Invariants, NoticeMoreThanAThousandMappingsInTwoMinutes) {
  const auto feed = [](Invariants& watched) {
    for (std::uint16_t i = 0; i < 1200; ++i) watched.see(Time{1s} + i * 10ms, probe(kUs, kPeer, 2000 + i));
  };
  EXPECT_NE(violation(feed).find("1,024"), std::string::npos);
}

TEST(Invariants, NoticeTwoSearchesAtATimeAndNotOneAfterTheOther) {
  const auto flows = [](std::uint16_t turn) {
    return [turn](Invariants& watched) {
      for (std::uint16_t i = 0; i < 600; ++i)
        watched.see(Time{1s} + i * 6ms, probe(kUs, i / turn % 2 == 0 ? kPeer : kOtherPeer, 2000 + i));
    };
  };
  EXPECT_EQ(violation(flows(300)), "");
  EXPECT_NE(violation(flows(1)).find("two searches"), std::string::npos);
}

}  // namespace
}  // namespace weft::sim
