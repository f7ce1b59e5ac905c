// SPDX-License-Identifier: BSD-3-Clause
// What a device does with packets and peers once there is a session: routing, padding, marks, batches, paths.
#include "mesh/wireguard/device.h"

#include <gtest/gtest.h>

#include "tests/support/wireguard_pair.h"

namespace weft::wireguard {
namespace {

using test::make_udp4;
using test::make_udp6;
using test::SlotBuffer;
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
  EXPECT_EQ(std::get<HandshakeCompleted>(pair[1].events[0]).path, WireguardPair::path_from(0));
  EXPECT_EQ(pair.device(0).stats(pair[0].peer).tx_bytes, pair.device(1).stats(pair[1].peer).rx_bytes);
  EXPECT_TRUE(pair.device(0).stats(pair[0].peer).has_session);
  EXPECT_EQ(pair.device(0).stats(pair[0].peer).last_handshake, start + 2 * WireguardPair::kLatency);
}

TEST(Device, UsesThePresharedKey) {
  WireguardPair::Options options;
  options.preshared_key.mutable_bytes()[0] = 1;
  WireguardPair with(options), without;
  EXPECT_TRUE(with.connect());
  std::swap(with[1], without[1]);  // same keys but for the preshared one
  with.run_for(200s);
  with.send(0, "stranger");
  EXPECT_FALSE(with.drive_until([&] { return with.received(1, "stranger"); }, 60s));
  EXPECT_GT(with.device(0).counters().bad_tag, 0u);
}

TEST(Device, InitiatesOnRequest) {
  WireguardPair pair;
  pair.device(0).initiate(pair.now(), pair[0].peer);
  pair.drain(0);
  EXPECT_TRUE(pair.drive_until([&] { return pair.events<HandshakeCompleted>(1) > 0; }, 1s));
}

TEST(Device, RefusesImpossiblePeers) {
  WireguardPair pair;
  auto& device = pair.device(0);
  PeerConfig config;
  EXPECT_EQ(device.add_peer(pair.now(), config).error().code, ErrorCode::usage);
  config.public_key = device.public_key();
  EXPECT_EQ(device.add_peer(pair.now(), config).error().code, ErrorCode::usage);
  config.public_key = pair.device(1).public_key();
  EXPECT_EQ(device.add_peer(pair.now(), config).error().code, ErrorCode::refused);
  EXPECT_EQ(device.find_peer(config.public_key), pair[0].peer);
}

TEST(Device, ARemovedPeerIsCutOffAndItsNumberNotGivenAgain) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.send(1, "under way");
  pair.device(0).remove_peer(pair[0].peer);
  EXPECT_EQ(pair.send(0, "x"), PacketVerdict::no_peer);
  pair.run_for(1s);
  EXPECT_EQ(pair[0].verdicts[PacketVerdict::no_peer], 1);
  EXPECT_FALSE(pair.device(0).next_deadline());
  EXPECT_FALSE(pair.device(0).find_peer(pair.device(1).public_key()));
  PeerConfig config;
  config.public_key = pair.device(1).public_key();
  EXPECT_NE(*pair.device(0).add_peer(pair.now(), config), pair[0].peer);
}

TEST(Device, RoutesByDestinationAndChecksTheSource) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  const IpAddress stranger = IpAddress::v4(10, 0, 0, 77);
  EXPECT_EQ(pair.send_packet(0, make_udp4(pair.address(0), stranger, "x")), PacketVerdict::no_peer);
  EXPECT_EQ(pair.send_packet(0, make_udp4(stranger, pair.address(1), "forged")), PacketVerdict::ready);
  const IpAddress a6 = *IpAddress::parse("fd00::1"), b6 = *IpAddress::parse("fd00::2");
  EXPECT_EQ(pair.send_packet(0, make_udp6(a6, b6, "six")), PacketVerdict::ready);
  EXPECT_EQ(pair.send_packet(0, make_udp6(b6, b6, "forged six")), PacketVerdict::ready);
  pair.run_for(100ms);
  EXPECT_TRUE(pair.received(1, "six"));
  EXPECT_FALSE(pair.received(1, "forged"));
  EXPECT_FALSE(pair.received(1, "forged six"));
  EXPECT_EQ(pair[1].verdicts[PacketVerdict::bad_source], 2);
}

TEST(Device, SetAllowedIpsReplacesThem) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  const Prefix other = *Prefix::parse("10.9.0.0/16");
  pair.device(0).set_allowed_ips(pair[0].peer, {&other, 1});
  EXPECT_EQ(pair.send(0, "x"), PacketVerdict::no_peer);
  EXPECT_EQ(pair.send_packet(0, make_udp4(pair.address(0), IpAddress::v4(10, 9, 1, 1), "x")), PacketVerdict::ready);
}

TEST(Device, RefusesWhatIsNoPlainPacket) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  EXPECT_EQ(pair.send_packet(0, as_bytes("not an IP packet")), PacketVerdict::malformed);
  EXPECT_EQ(pair.send_packet(0, {}), PacketVerdict::malformed);
  SlotBuffer buffer;
  PacketSlot slot = buffer.fill(make_udp4(pair.address(0), pair.address(1), "x"));
  slot.offload.segmentation = PacketOffload::Segmentation::udp_l4;
  pair.device(0).seal(pair.now(), {&slot, 1});
  EXPECT_EQ(slot.verdict, PacketVerdict::malformed);
}

TEST(Device, PadsTo16BytesButNotBeyondTheMtu) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  for (std::size_t length = 28; length <= 1500; ++length) {
    const Bytes packet = make_udp4(pair.address(0), pair.address(1), std::string(length - 28, 'p'));
    ASSERT_EQ(pair.send_packet(0, packet), PacketVerdict::ready);
    const std::size_t content = pair.sent.back().bytes.size() - kTransportHeaderSize - kTagSize;
    EXPECT_EQ(content, length >= 1420 ? length : std::min<std::size_t>(1420, (length + 15) / 16 * 16)) << length;
    pair.run_for(WireguardPair::kLatency);
    ASSERT_EQ(pair[1].received.back(), packet);
  }
}

TEST(Device, PadsOnlyAsFarAsTheSlotReaches) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  const Bytes packet = make_udp4(pair.address(0), pair.address(1), "x");  // 29 bytes
  SlotBuffer buffer;
  for (std::uint32_t spare = 0; spare < 6; ++spare) {
    PacketSlot slot = buffer.fill(packet);
    slot.slot.capacity = slot.slot.offset + slot.slot.length + kSlotTailRoom + spare;
    buffer.arena[slot.slot.capacity] = 0xEE;
    pair.device(0).seal(pair.now(), {&slot, 1});
    EXPECT_EQ(slot.slot.length, kTransportHeaderSize + std::min<std::size_t>(29 + spare, 32) + kTagSize);
    EXPECT_EQ(buffer.arena[slot.slot.capacity], 0xEE);
    EXPECT_EQ(pair.inject(1, slot.slot.bytes(), WireguardPair::path_from(0)), PacketVerdict::ready);
  }
}

TEST(Device, CopiesTheMarkOutAndCombinesItOnTheWayIn) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.link = [](test::LinkDatagram& d) {  // a congested router
    if (d.ecn == Ecn::ect0) d.ecn = Ecn::ce;
    return std::vector<Duration>{WireguardPair::kLatency};
  };
  pair.send_packet(0, make_udp4(pair.address(0), pair.address(1), "marked", Ecn::ect0));
  pair.send_packet(0, make_udp4(pair.address(0), pair.address(1), "plain", Ecn::not_ect));
  EXPECT_EQ(pair.sent[0].ecn, Ecn::ect0);
  EXPECT_EQ(pair.sent[1].ecn, Ecn::not_ect);
  pair.run_for(100ms);
  ASSERT_EQ(pair[1].received.size(), 3u);
  EXPECT_EQ(pair[1].received[1], make_udp4(pair.address(0), pair.address(1), "marked", Ecn::ce));
  EXPECT_EQ(pair[1].received[2], make_udp4(pair.address(0), pair.address(1), "plain", Ecn::not_ect));
  // A mark on what never asked for marks: RFC 6040 §4.2 wants it dropped.
  pair.send(0, "bleached");
  const Bytes datagram = pair.sent.back().bytes;
  EXPECT_EQ(pair.inject(1, datagram, WireguardPair::path_from(0), Ecn::ce), PacketVerdict::malformed);
}

TEST(Device, AForgedOrChangedPacketIsRefusedAndMovesNothing) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.send(0, "original");
  const Bytes datagram = pair.sent.back().bytes;
  const auto elsewhere = WireguardPair::path_from(9);
  for (std::size_t at = kTransportHeaderSize; at < datagram.size(); ++at) {
    Bytes changed = datagram;
    changed[at] ^= 0x80;
    EXPECT_EQ(pair.inject(1, changed, elsewhere), PacketVerdict::bad_tag);
  }
  EXPECT_EQ(pair.device(1).stats(pair[1].peer).path, WireguardPair::path_from(0));
  pair.run_for(100ms);
  EXPECT_TRUE(pair.received(1, "original"));  // the forgeries used up no counter
}

TEST(Device, TheRoamingRuleFollowsAuthenticDatagrams) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.send(0, "moved");
  const auto elsewhere = WireguardPair::path_from(9);
  EXPECT_EQ(pair.inject(1, pair.sent.back().bytes, elsewhere), PacketVerdict::ready);
  EXPECT_EQ(pair.device(1).stats(pair[1].peer).path, elsewhere);
  EXPECT_EQ(pair.events<PathSeen>(1), 0);
}

TEST(Device, WithoutTheRoamingRuleOtherPathsAreTold) {
  WireguardPair::Options options;
  options.roaming = false;
  WireguardPair pair(options);
  ASSERT_TRUE(pair.connect());
  const auto elsewhere = WireguardPair::path_from(9);
  for (int i = 0; i < 3; ++i) {
    pair.send(0, "moved");
    EXPECT_EQ(pair.inject(1, pair.sent.back().bytes, elsewhere), PacketVerdict::ready);
  }
  EXPECT_EQ(pair.device(1).stats(pair[1].peer).path, WireguardPair::path_from(0));
  ASSERT_EQ(pair.events<PathSeen>(1), 1);
  EXPECT_EQ(std::get<PathSeen>(pair[1].events[0]).path, elsewhere);
  // A new choice makes it news again.
  pair.device(1).set_path(pair.now(), pair[1].peer, WireguardPair::path_from(5));
  pair.send(0, "moved");
  EXPECT_EQ(pair.inject(1, pair.sent.back().bytes, elsewhere), PacketVerdict::ready);
  EXPECT_EQ(pair.events<PathSeen>(1), 2);
}

TEST(Device, APathChangeLeavesTheSessionAlone) {
  WireguardPair::Options options;
  options.roaming = false;
  WireguardPair pair(options);
  ASSERT_TRUE(pair.connect());
  const PathId relay{.socket = 0, .relay = 7, .remote = {}};
  pair.device(0).set_path(pair.now(), pair[0].peer, relay);
  SlotBuffer buffer;
  PacketSlot slot = buffer.fill(make_udp4(pair.address(0), pair.address(1), "x"));
  pair.device(0).seal(pair.now(), {&slot, 1});
  EXPECT_EQ(slot.verdict, PacketVerdict::ready);
  EXPECT_EQ(slot.path, relay);
  EXPECT_EQ(slot.peer, pair[0].peer);
  pair.device(0).set_path(pair.now(), pair[0].peer, std::nullopt);
  EXPECT_EQ(pair.send(0, "y"), PacketVerdict::no_path);
  EXPECT_TRUE(pair.sent.empty());
}

TEST(Device, PacketsForAPeerWithoutAPathWaitForOne) {
  WireguardPair::Options options;
  options.path_known[0] = false;
  WireguardPair pair(options);
  EXPECT_EQ(pair.send(0, "patient"), PacketVerdict::staged);
  pair.run_for(3s);
  EXPECT_TRUE(pair.sent.empty());
  pair.device(0).set_path(pair.now(), pair[0].peer, WireguardPair::path_from(1));
  pair.drain(0);
  EXPECT_TRUE(pair.drive_until([&] { return pair.received(1, "patient"); }, 3 * WireguardPair::kLatency));
}

TEST(Device, AHandshakeOnADeadPathTriesTheNextOneSoon) {
  WireguardPair pair;
  bool dead = true;
  pair.link = [&](test::LinkDatagram&) { return std::vector<Duration>(dead ? 0 : 1, WireguardPair::kLatency); };
  pair.send(0, "x");
  pair.run_for(200ms);
  dead = false;
  pair.device(0).set_path(pair.now(), pair[0].peer, WireguardPair::path_from(9));
  EXPECT_TRUE(pair.drive_until([&] { return pair.received(1, "x"); }, 900ms));
}

// One batch through one pair of devices, packet by packet through its twin: the same bytes.
TEST(Device, ABatchIsSealedAndOpenedAsItsPacketsOneByOne) {
  WireguardPair batch, single;
  ASSERT_TRUE(batch.connect() && single.connect());
  constexpr std::size_t kCount = 300;  // more than kMaxBatch
  std::vector<SlotBuffer> buffers(kCount);
  std::vector<PacketSlot> slots;
  for (std::size_t i = 0; i < kCount; ++i) {
    const Bytes packet = i % 7 == 3 ? Bytes(5) : make_udp4(batch.address(0), batch.address(1), std::string(i, 'b'));
    slots.push_back(buffers[i].fill(packet));
    single.send_packet(0, packet);
  }
  batch.device(0).seal(batch.now(), slots);
  std::vector<PacketSlot> sealed;
  for (std::size_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(slots[i].verdict, i % 7 == 3 ? PacketVerdict::malformed : PacketVerdict::ready);
    if (slots[i].verdict == PacketVerdict::ready) sealed.push_back(slots[i]);
  }
  ASSERT_EQ(sealed.size(), single.sent.size());
  for (std::size_t i = 0; i < sealed.size(); ++i) EXPECT_EQ(to_bytes(sealed[i].slot.bytes()), single.sent[i].bytes);

  sealed[10].slot.data()[20] ^= 1;
  sealed[20].slot.data()[4] ^= 1;  // another receiver index
  batch.device(1).open(batch.now(), sealed);
  single.run_for(100ms);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    if (i == 10) {
      EXPECT_EQ(sealed[i].verdict, PacketVerdict::bad_tag);
    } else if (i == 20) {
      EXPECT_EQ(sealed[i].verdict, PacketVerdict::no_peer);
    } else {
      EXPECT_EQ(sealed[i].verdict, PacketVerdict::ready);
      EXPECT_EQ(to_bytes(sealed[i].slot.bytes()), single[1].received[i + 1]);
    }
  }
}

// Handshakes between packets of one batch take their turn: response, old keys, and a copy of each.
TEST(Device, ABatchMayMixHandshakesAndData) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.run_for(121s);
  pair.link = [](test::LinkDatagram&) { return std::vector<Duration>{}; };
  pair.sent.clear();
  pair.send(0, "one");  // also sends an initiation
  pair.send(0, "two");
  ASSERT_EQ(pair.sent.size(), 3u);
  std::vector<SlotBuffer> buffers(6);
  std::vector<PacketSlot> slots;
  for (std::size_t i = 0; i < 6; ++i)
    slots.push_back(buffers[i].fill(pair.sent[i / 2].bytes, WireguardPair::path_from(0)));
  pair.device(1).open(pair.now(), slots);
  std::map<PacketVerdict, int> verdicts;
  for (const auto& slot : slots) ++verdicts[slot.verdict];
  EXPECT_EQ(verdicts[PacketVerdict::ready], 2);
  EXPECT_EQ(verdicts[PacketVerdict::consumed], 1);
  EXPECT_EQ(verdicts[PacketVerdict::replayed], 3);
}

// The packet that confirms a session, and a newer initiation right behind it: the session is the first one's.
TEST(Device, ABatchIsReadInOrder) {
  WireguardPair pair;
  pair.send(0, "first");
  pair.run_for(2 * WireguardPair::kLatency);  // the response has arrived, what was staged is on its way
  pair.link = [](test::LinkDatagram&) { return std::vector<Duration>{}; };
  const Bytes data = pair.sent.back().bytes;
  ASSERT_EQ(message_type(data), MessageType::transport_data);
  pair.device(0).initiate(pair.now(), pair[0].peer);
  pair.sent.clear();
  pair.device(0).handle_timeout(pair.now() + 6s);
  pair.drain(0);
  ASSERT_EQ(message_type(pair.sent.back().bytes), MessageType::handshake_initiation);
  std::vector<SlotBuffer> buffers(2);
  std::vector<PacketSlot> slots = {buffers[0].fill(data, WireguardPair::path_from(0)),
                                   buffers[1].fill(pair.sent.back().bytes, WireguardPair::path_from(0))};
  pair.device(1).open(pair.now() + 6s, slots);
  EXPECT_EQ(slots[0].verdict, PacketVerdict::ready);
  EXPECT_EQ(slots[1].verdict, PacketVerdict::consumed);
  EXPECT_TRUE(pair.device(1).stats(pair[1].peer).has_session);
}

}  // namespace
}  // namespace weft::wireguard
