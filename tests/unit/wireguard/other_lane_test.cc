// SPDX-License-Identifier: BSD-3-Clause
// Sessions on another lane than the device's own: what goes over the wire, and when, is as with one lane.
#include <gtest/gtest.h>

#include <map>
#include <tuple>

#include "tests/support/wireguard_pair.h"

namespace weft::wireguard {
namespace {

using test::LinkDatagram;
using test::WireguardPair;

/// When, to whom, which kind, how long; then what came out.
struct Course {
  std::vector<std::tuple<Duration, int, int, std::size_t>> wire;
  std::vector<Bytes> received[2];
  std::size_t events[2] = {0, 0};
  friend bool operator==(const Course&, const Course&) = default;
};

/// Packets at random times, pauses in which sessions expire, a link that loses some and doubles others.
Course run_at_random(std::uint64_t seed, bool other_lane) {
  WireguardPair::Options options;
  options.seed = seed;
  options.other_lane = other_lane;
  options.roaming = false;
  if (seed % 3 == 0) options.persistent_keepalive = 25s;
  if (seed % 4 == 0) options.limits[0].rekey_after_messages = 40;
  WireguardPair pair(options);
  Course run;
  SeededRandom random(seed, "traffic");
  // What happens to a datagram hangs on what it is, not on its place among those of one instant.
  std::map<std::pair<int, int>, int> count;
  pair.link = [&](LinkDatagram& datagram) {
    const int type = datagram.bytes[0];
    run.wire.emplace_back(pair.now().time_since_epoch(), datagram.to, type, datagram.bytes.size());
    const int number = ++count[{datagram.to, type}];
    SeededRandom fate(seed, std::to_string(datagram.to) + " " + std::to_string(type) + " " + std::to_string(number));
    if (fate.chance(1, 8)) return std::vector<Duration>{};
    const std::size_t copies = fate.chance(1, 10) ? 2 : 1;
    return std::vector<Duration>(copies, fate.between(1ms, 30ms));
  };
  for (int i = 0; i < 300; ++i) {
    const int from = random.chance(1, 2) ? 1 : 0;
    const auto burst = random.below(6);
    for (std::uint64_t k = 0; k < burst; ++k) pair.send(from, std::to_string(i) + "." + std::to_string(k));
    if (random.chance(1, 25)) {
      std::optional<PathId> path;
      if (random.chance(2, 3)) path = WireguardPair::path_from(1 - from);
      pair.device(from).set_path(pair.now(), pair[from].peer, path);
      pair.drain(from);
    }
    pair.run_for(random.chance(1, 20) ? random.between(20s, 260s) : random.between(1ms, 4s));
  }
  std::ranges::sort(run.wire);
  for (int side : {0, 1}) {
    run.received[side] = pair[side].received;
    // PathSeen may come again: a peer that only waits for a path rests, as its lane alone knows of what waits.
    run.events[side] = pair[side].events.size() - static_cast<std::size_t>(pair.events<PathSeen>(side));
  }
  return run;
}

TEST(OtherLane, TheWireIsAsWithOneLane) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Course own = run_at_random(seed, false), other = run_at_random(seed, true);
    ASSERT_GT(own.wire.size(), 300u);
    ASSERT_GT(own.received[0].size() + own.received[1].size(), 100u);
    const auto [a, b] = std::ranges::mismatch(own.wire, other.wire);
    const auto at = [](const auto& each) { return std::get<Duration>(each).count(); };
    EXPECT_TRUE(a == own.wire.end() && b == other.wire.end())
        << "seed " << seed << ", datagram " << a - own.wire.begin() << ": " << (a == own.wire.end() ? 0 : at(*a))
        << " ns, " << (b == other.wire.end() ? 0 : at(*b)) << " ns";
    for (int side : {0, 1}) {
      EXPECT_EQ(own.received[side], other.received[side]) << "seed " << seed;
      EXPECT_EQ(own.events[side], other.events[side]) << "seed " << seed;
    }
  }
}

TEST(OtherLane, IndicesTellTheLaneAndRemovalLeavesNothing) {
  WireguardPair::Options options;
  options.other_lane = true;
  WireguardPair pair(options);
  pair.send(0, "hello");
  ASSERT_TRUE(pair.drive_until([&] { return pair.received(1, "hello"); }));
  for (const auto& datagram : pair.sent) {
    if (*message_type(datagram.bytes) == MessageType::transport_data) {
      EXPECT_EQ(parse_transport(datagram.bytes)->receiver_index % 2, 1u);
    }
  }
  EXPECT_EQ(pair.send(0, "again"), PacketVerdict::ready);
  const Bytes last = pair.sent.back().bytes;
  pair.device(1).remove_peer(pair[1].peer);
  pair.drain(1);
  EXPECT_EQ(pair.inject(1, last, WireguardPair::path_from(0)), PacketVerdict::no_peer);
  EXPECT_EQ(pair.send(1, "nobody"), PacketVerdict::no_peer);
}

TEST(OtherLane, ADevicePassesPacketsOfOtherLanesOn) {
  std::vector<std::pair<Astray, PeerId>> passed;
  SeededRandom random(1, "device");
  test::SeededEntropy entropy(1);
  DeviceConfig config;
  config.private_key = crypto::PrivateKey::generate(entropy);
  config.next_timestamp = [] { return Tai64n{}; };
  config.lanes = {.count = 2,
                  .tell = [](unsigned, LaneOrder) {},
                  .pass_on =
                      [&](unsigned lane, Astray kind, const PacketSlot& slot) {
                        EXPECT_EQ(lane, 1u);
                        passed.emplace_back(kind, slot.peer);
                        return passed.size() < 3;
                      }};
  Device device(config, random, entropy);
  PeerConfig peer;
  peer.public_key = crypto::PrivateKey::generate(entropy).public_key();
  peer.allowed_ips = {Prefix::host(WireguardPair::address(1))};
  const auto id = device.add_peer(Time{Duration(1s)}, peer);
  ASSERT_TRUE(id);
  test::SlotBuffer buffer;
  const auto inner = test::make_udp4(WireguardPair::address(0), WireguardPair::address(1), "x");
  PacketSlot slot = buffer.fill(inner);
  device.seal(Time{Duration(1s)}, {&slot, 1});
  EXPECT_EQ(slot.verdict, PacketVerdict::consumed);
  Bytes datagram(32);
  write_transport_header(datagram.data(), {.receiver_index = 7, .counter = 0});
  slot = buffer.fill(datagram);
  device.open(Time{Duration(1s)}, {&slot, 1});
  EXPECT_EQ(slot.verdict, PacketVerdict::consumed);
  slot = buffer.fill(inner);
  device.seal(Time{Duration(1s)}, {&slot, 1});
  EXPECT_EQ(slot.verdict, PacketVerdict::overflow);
  const std::vector<std::pair<Astray, PeerId>> expected = {
      {Astray::inner, *id}, {Astray::datagram, 0}, {Astray::inner, *id}};
  EXPECT_EQ(passed, expected);
}

}  // namespace
}  // namespace weft::wireguard
