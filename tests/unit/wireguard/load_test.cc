// SPDX-License-Identifier: BSD-3-Clause
// Cookies, rate limits and many peers.
#include <gtest/gtest.h>

#include "mesh/wireguard/rate_limiter.h"
#include "tests/support/wireguard_pair.h"

namespace weft::wireguard {
namespace {

using test::SlotBuffer;
using test::WireguardPair;

TEST(UnderLoad, AHandshakeTakesARoundMoreAndSucceeds) {
  WireguardPair pair;
  pair.device(1).set_under_load(true);
  pair.send(0, "x");
  pair.run_for(4s);
  EXPECT_EQ(pair.device(1).counters().cookie_replies_sent, 1u);
  EXPECT_EQ(pair.device(0).counters().cookie_replies_received, 1u);
  EXPECT_EQ(pair.device(1).counters().initiations_received, 0u);
  ASSERT_TRUE(pair.drive_until([&] { return pair.received(1, "x"); }, 2s));
  EXPECT_EQ(pair.device(1).counters().initiations_received, 1u);
  EXPECT_EQ(pair.device(1).counters().cookie_replies_sent, 1u);
}

TEST(UnderLoad, BothSidesLoadedStillConnect) {
  WireguardPair pair;
  for (int i : {0, 1}) pair.device(i).set_under_load(true);
  pair.send(0, "x");
  EXPECT_TRUE(pair.drive_until([&] { return pair.received(1, "x"); }, 30s));
}

TEST(UnderLoad, DataNeedsNoCookie) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.device(1).set_under_load(true);
  EXPECT_EQ(pair.send(0, "y"), PacketVerdict::ready);
  pair.run_for(100ms);
  EXPECT_TRUE(pair.received(1, "y"));
}

TEST(UnderLoad, ASpoofedSourceCostsNoHandshake) {
  WireguardPair pair;
  pair.link = [](test::LinkDatagram&) { return std::vector<Duration>{}; };
  pair.send(0, "x");
  const Bytes initiation = pair.sent[0].bytes;
  pair.device(1).set_under_load(true);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(
        pair.inject(1, initiation,
                    {.socket = 1, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(i)), 1}}),
        PacketVerdict::consumed);
    EXPECT_EQ(pair.sent.back().bytes.size(), kCookieReplySize);  // smaller than what asked for it
  }
  EXPECT_EQ(pair.device(1).counters().initiations_received, 0u);
  Bytes changed = initiation;
  changed[116] ^= 1;  // mac1: not even a cookie
  EXPECT_EQ(pair.inject(1, changed, WireguardPair::path_from(0)), PacketVerdict::bad_tag);
  EXPECT_EQ(pair.sent.size(), 101u);
}

TEST(UnderLoad, CookieRepliesAreLimited) {
  WireguardPair pair;
  pair.link = [](test::LinkDatagram&) { return std::vector<Duration>{}; };
  pair.send(0, "x");
  const Bytes initiation = pair.sent[0].bytes;
  pair.device(1).set_under_load(true);
  const auto ask = [&](std::uint32_t sources, int times) {
    std::uint32_t answered = 0;
    for (std::uint32_t i = 0; i < sources * static_cast<std::uint32_t>(times); ++i) {
      const PathId from{.socket = 1, .relay = 0, .remote = {IpAddress::v4(0x0A000000 + i % sources), 51820}};
      answered += pair.inject(1, initiation, from) == PacketVerdict::consumed;
    }
    return answered;
  };
  EXPECT_EQ(ask(1, 1000), kCookieReplyBurst);
  pair.run_for(100ms);
  EXPECT_EQ(ask(1, 1000), kCookieReplyRate / 10);
  EXPECT_EQ(ask(4000, 10), kCookieReplyBurst * (kCookieReplyShares - 1));  // from everywhere: every share but that one
}

TEST(UnderLoad, AFloodFromOneAddressDoesNotTakeTheCookiesOfAnother) {
  WireguardPair pair;
  pair.link = [](test::LinkDatagram&) { return std::vector<Duration>{}; };
  pair.send(0, "x");
  const Bytes initiation = pair.sent[0].bytes;
  pair.device(1).set_under_load(true);
  for (int i = 0; i < 1000; ++i) pair.inject(1, initiation, WireguardPair::path_from(0));
  EXPECT_EQ(pair.inject(1, initiation, WireguardPair::path_from(0)), PacketVerdict::overflow);
  EXPECT_EQ(pair.inject(1, initiation, WireguardPair::path_from(1)), PacketVerdict::consumed);
}

TEST(UnderLoad, AProvenSourceIsRateLimited) {
  WireguardPair pair;
  pair.device(1).set_under_load(true);
  pair.send(0, "x");
  ASSERT_TRUE(pair.drive_until([&] { return pair.received(1, "x"); }, 10s));
  const auto proven = std::ranges::find_if(pair.sent, [&](const auto& d) {
    return d.to == 1 && d.number > 1 && message_type(d.bytes) == MessageType::handshake_initiation;
  });
  ASSERT_NE(proven, pair.sent.end());
  const Bytes initiation = proven->bytes;
  std::map<PacketVerdict, int> verdicts;
  for (int i = 0; i < 50; ++i) ++verdicts[pair.inject(1, initiation, WireguardPair::path_from(0))];
  EXPECT_EQ(verdicts[PacketVerdict::overflow], 50 - verdicts[PacketVerdict::replayed]);
  EXPECT_LE(verdicts[PacketVerdict::replayed], static_cast<int>(RateLimiter::kBurst));
  EXPECT_GT(pair.device(1).counters().rate_limited, 40u);
}

TEST(UnderLoad, IsNoticedByTheDeviceItself) {
  WireguardPair pair;
  pair.link = [](test::LinkDatagram&) { return std::vector<Duration>{}; };
  pair.send(0, "x");
  const Bytes initiation = pair.sent[0].bytes;
  for (int i = 0; i < 1000; ++i) pair.inject(1, initiation, WireguardPair::path_from(0));
  EXPECT_EQ(pair.device(1).counters().cookie_replies_sent, 0u);
  pair.inject(1, initiation, WireguardPair::path_from(0));
  EXPECT_EQ(pair.device(1).counters().cookie_replies_sent, 1u);
  pair.run_for(2s);  // and forgotten
  pair.inject(1, initiation, WireguardPair::path_from(0));
  EXPECT_EQ(pair.device(1).counters().cookie_replies_sent, 1u);
}

TEST(UnderLoad, AFloodOfNewInitiationsFromOnePeerIsSlowed) {
  WireguardPair::Options options;
  WireguardPair pair(options);
  // Device 0 as a flooder: each initiate() after REKEY_TIMEOUT gives a fresh one; deliver them all at one instant.
  pair.link = [](test::LinkDatagram&) { return std::vector<Duration>{}; };
  for (int i = 0; i < 5; ++i) {
    pair.device(0).initiate(pair.now(), pair[0].peer);
    pair.drain(0);
    pair.run_for(5s);
  }
  const auto initiations = pair.sent;
  ASSERT_GE(initiations.size(), 5u);
  int taken = 0;
  for (const auto& d : initiations) taken += pair.inject(1, d.bytes, d.path) == PacketVerdict::consumed;
  EXPECT_EQ(taken, 1);
}

/// A hub and its spokes, all messages passed at once.
class Star {
 public:
  explicit Star(int spokes) {
    const auto hub_key = crypto::PrivateKey::generate(entropy_);
    hub_ = make(hub_key);
    for (int i = 0; i < spokes; ++i) {
      const auto key = crypto::PrivateKey::generate(entropy_);
      spokes_.push_back(make(key));
      EXPECT_EQ(*hub_->add_peer(now_, peer(key.public_key(), Prefix::host(address(i)), path(i))), PeerId(i + 1));
      EXPECT_TRUE(spokes_.back()->add_peer(now_, peer(hub_key.public_key(), *Prefix::parse("10.0.0.0/8"), path(0))));
    }
  }
  static IpAddress address(int i) { return IpAddress::v4(0x0A010000u + static_cast<std::uint32_t>(i)); }
  static IpAddress hub_address() { return IpAddress::v4(10, 0, 0, 1); }
  static PathId path(int i) {
    return {.socket = 1, .relay = 0, .remote = {IpAddress::v4(0xC6120000u + static_cast<std::uint32_t>(i)), 1000}};
  }

  /// Control messages until none is left; returns packets that came out at the spokes.
  int settle() {
    int delivered = 0;
    for (bool moved = true; moved;) {
      moved = false;
      while (auto out = hub_->poll_transmit()) {
        moved = true;
        delivered += give(*spokes_[out->peer - 1], out->bytes, path(0));
      }
      for (std::size_t i = 0; i < spokes_.size(); ++i) {
        while (auto out = spokes_[i]->poll_transmit()) {
          moved = true;
          give(*hub_, out->bytes, path(static_cast<int>(i)));
        }
      }
    }
    return delivered;
  }
  Device& hub() { return *hub_; }
  Device& spoke(std::size_t i) { return *spokes_[i]; }
  Time now() const { return now_; }

 private:
  std::unique_ptr<Device> make(const crypto::PrivateKey& key) {
    DeviceConfig config;
    config.private_key = key;
    config.next_timestamp = [this] { return to_tai64n(WallTime(Duration(++clock_))); };
    return std::make_unique<Device>(config, random_, entropy_);
  }
  static PeerConfig peer(const crypto::PublicKey& key, const Prefix& allowed, const PathId& at) {
    PeerConfig config;
    config.public_key = key;
    config.allowed_ips = {allowed};
    config.path = at;
    return config;
  }
  int give(Device& device, ByteView datagram, const PathId& from) {
    SlotBuffer buffer;
    PacketSlot slot = buffer.fill(datagram, from);
    device.open(now_, {&slot, 1});
    return slot.verdict == PacketVerdict::ready;
  }

  SeededRandom random_{1, "star"};
  test::SeededEntropy entropy_{1};
  std::int64_t clock_ = 1'000'000'000;
  Time now_{Duration(1s)};
  std::unique_ptr<Device> hub_;
  std::vector<std::unique_ptr<Device>> spokes_;
};

TEST(ManyPeers, PacketsOfOneBatchGoToTheirPeersAndBack) {
  constexpr std::size_t kSpokes = 100;
  Star star(kSpokes);
  std::vector<SlotBuffer> buffers(kSpokes);
  std::vector<PacketSlot> slots;
  const auto to_spoke = [](std::size_t i) {
    return test::make_udp4(Star::hub_address(), Star::address(static_cast<int>(i)), "to " + std::to_string(i));
  };
  for (std::size_t i = 0; i < kSpokes; ++i) slots.push_back(buffers[i].fill(to_spoke(i)));
  star.hub().seal(star.now(), slots);
  EXPECT_EQ(star.settle(), static_cast<int>(kSpokes));  // each waited for its own handshake

  for (std::size_t i = 0; i < kSpokes; ++i) slots[i] = buffers[i].fill(to_spoke(i));
  star.hub().seal(star.now(), slots);
  for (std::size_t i = 0; i < kSpokes; ++i) {
    ASSERT_EQ(slots[i].verdict, PacketVerdict::ready);
    EXPECT_EQ(slots[i].path, Star::path(static_cast<int>(i)));
    EXPECT_EQ(slots[i].peer, i + 1);
    const std::size_t wrong = (i + 1) % kSpokes;
    SlotBuffer copy;
    PacketSlot astray = copy.fill(slots[i].slot.bytes());
    star.spoke(wrong).open(star.now(), {&astray, 1});
    EXPECT_NE(astray.verdict, PacketVerdict::ready);
    star.spoke(i).open(star.now(), {&slots[i], 1});
    EXPECT_EQ(slots[i].verdict, PacketVerdict::ready);
  }

  // All answer; the hub opens one batch of all peers, each packet from its own address or, every tenth, another's.
  for (std::size_t i = 0; i < kSpokes; ++i) {
    const int claimed = static_cast<int>(i % 10 == 9 ? i - 1 : i);
    slots[i] = buffers[i].fill(test::make_udp4(Star::address(claimed), Star::hub_address(), "back"));
    star.spoke(i).seal(star.now(), {&slots[i], 1});
    ASSERT_EQ(slots[i].verdict, PacketVerdict::ready);
  }
  star.hub().open(star.now(), slots);
  for (std::size_t i = 0; i < kSpokes; ++i) {
    EXPECT_EQ(slots[i].verdict, i % 10 == 9 ? PacketVerdict::bad_source : PacketVerdict::ready);
    EXPECT_EQ(slots[i].peer, i + 1);
  }
}

}  // namespace
}  // namespace weft::wireguard
