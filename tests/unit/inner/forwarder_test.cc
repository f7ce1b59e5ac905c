// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/inner/forwarder.h"

#include <gtest/gtest.h>

#include "mesh/base/random.h"
#include "tests/support/inner_packets.h"

namespace weft::inner {
namespace {

const IpAddress kHub4 = IpAddress::v4(100, 64, 0, 1), kSpoke = IpAddress::v4(100, 64, 0, 2),
                kOther = IpAddress::v4(100, 64, 0, 3), kOutside = IpAddress::v4(192, 0, 2, 9);
const IpAddress kHub6 = *IpAddress::parse("fd00::1"), kSpoke6 = *IpAddress::parse("fd00::2"),
                kOther6 = *IpAddress::parse("fd00::3");
constexpr std::uint32_t kSpokePeer = 2, kOtherPeer = 3;

std::optional<std::uint32_t> peer_for(const IpAddress& address) {
  if (address == kSpoke || address == kSpoke6) return kSpokePeer;
  if (address == kOther || address == kOther6) return kOtherPeer;
  return std::nullopt;
}

struct Sorted {
  std::vector<Bytes> inside, onward;
};

Sorted forward(Forwarder& forwarder, std::vector<Bytes> packets, Time now = Time{1s}) {
  std::vector<PacketSlot> slots;
  for (Bytes& packet : packets) {
    packet.insert(packet.begin(), kSlotHeadRoom, 0);
    packet.resize(packet.size() + kSlotTailRoom);
    PacketSlot slot;
    slot.slot = {packet.data(), static_cast<std::uint32_t>(packet.size()), kSlotHeadRoom,
                 static_cast<std::uint32_t>(packet.size() - kSlotHeadRoom - kSlotTailRoom)};
    slot.peer = kSpokePeer;
    slots.push_back(slot);
  }
  Sorted sorted;
  const auto keep = [](std::vector<Bytes>& list) {
    return [&list](std::span<PacketSlot> batch) {
      for (const PacketSlot& packet : batch) {
        EXPECT_GE(packet.slot.head_room(), kSlotHeadRoom);
        EXPECT_GE(packet.slot.tail_room(), kSlotTailRoom);
        list.push_back(to_bytes(packet.slot.bytes()));
      }
    };
  };
  forwarder.forward(now, slots, peer_for, keep(sorted.inside), keep(sorted.onward));
  return sorted;
}

Bytes with_ttl(Bytes packet, std::uint8_t ttl) {
  packet[8] = ttl;
  packet[10] = packet[11] = 0;
  const auto checksum = test::internet_checksum(ByteView(packet).first(20));
  packet[10] = static_cast<std::uint8_t>(checksum >> 8);
  packet[11] = static_cast<std::uint8_t>(checksum);
  return packet;
}

TEST(Forwarder, SortsByDestinationAndKeepsTheOrder) {
  Forwarder forwarder;
  const auto sorted =
      forward(forwarder, {test::make_udp4(kSpoke, kOther, "1"), test::make_udp4(kSpoke, kHub4, "2"),
                          test::make_udp6(kSpoke6, kOther6, "3"), test::make_udp4(kSpoke, kOutside, "4"),
                          test::make_udp4(kSpoke, kSpoke, "back"), test::make_udp4(kSpoke, kOther, "5")});
  ASSERT_EQ(sorted.inside.size(), 2u);
  EXPECT_EQ(test::payload_of(sorted.inside[0]), "2");
  EXPECT_EQ(test::payload_of(sorted.inside[1]), "4");
  ASSERT_EQ(sorted.onward.size(), 3u);
  EXPECT_EQ(test::payload_of(sorted.onward[0]), "1");
  EXPECT_EQ(test::payload_of(sorted.onward[1]), "3");
  EXPECT_EQ(test::payload_of(sorted.onward[2]), "5");
  EXPECT_EQ(sorted.onward[1][7], 63);
  EXPECT_EQ(forwarder.counters().forwarded, 3u);
  EXPECT_EQ(forwarder.counters().returned, 1u);
}

TEST(Forwarder, TheChecksumFollowsEveryTtl) {
  SeededRandom random(1, "forwarder");
  Forwarder forwarder;
  for (int ttl = 2; ttl <= 255; ++ttl) {
    const IpAddress source = IpAddress::v4(static_cast<std::uint32_t>(random.next()));
    const auto sorted =
        forward(forwarder, {with_ttl(test::make_udp4(source, kOther, "payload"), static_cast<std::uint8_t>(ttl))});
    ASSERT_EQ(sorted.onward.size(), 1u);
    ASSERT_EQ(sorted.onward[0][8], ttl - 1);
    ASSERT_EQ(test::internet_checksum(ByteView(sorted.onward[0]).first(20)), 0);
  }
}

TEST(Forwarder, TellsTheSenderOfASpentPacketByItsOwnAddressAndNotTooOften) {
  Forwarder forwarder;
  Bytes spent6 = test::make_udp6(kSpoke6, kOther6, "spent");
  spent6[7] = 1;
  EXPECT_TRUE(forward(forwarder, {with_ttl(test::make_udp4(kSpoke, kOther, "spent"), 1)}).onward.empty())
      << "a hub that has no address yet says nothing";
  forwarder.set_addresses({kHub4, kHub6});
  const auto sorted = forward(forwarder, {with_ttl(test::make_udp4(kSpoke, kOther, "spent"), 1), spent6});
  ASSERT_EQ(sorted.onward.size(), 2u);
  EXPECT_EQ(sorted.onward[0][20], 11);
  EXPECT_EQ(*IpAddress::from_bytes(ByteView(sorted.onward[0]).subspan(12, 4)), kHub4);
  EXPECT_EQ(*IpAddress::from_bytes(ByteView(sorted.onward[0]).subspan(16, 4)), kSpoke);
  EXPECT_EQ(test::internet_checksum(ByteView(sorted.onward[0]).subspan(20)), 0);
  EXPECT_EQ(sorted.onward[1][40], 3);
  EXPECT_EQ(*IpAddress::from_bytes(ByteView(sorted.onward[1]).subspan(8, 16)), kHub6);

  const std::vector<Bytes> flood(kMaxBatch, with_ttl(test::make_udp4(kSpoke, kOther, "spent"), 1));
  EXPECT_EQ(forward(forwarder, flood, Time{10s}).onward.size(), static_cast<std::size_t>(AnswerLimit::kBurst));
}

}  // namespace
}  // namespace weft::inner
