// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/inner/path_fitter.h"

#include <gtest/gtest.h>

#include "mesh/base/random.h"
#include "mesh/inner/layout.h"
#include "mesh/inner/mss_clamp.h"
#include "mesh/inner/packet_too_big.h"
#include "tests/support/tcp_packets.h"

namespace weft::inner {
namespace {

using test::TcpPacket;

/// A packet with the room that a TUN device gives.
struct Held {
  explicit Held(ByteView packet) : arena(kSlotHeadRoom + packet.size() + kSlotTailRoom) {
    std::ranges::copy(packet, arena.begin() + kSlotHeadRoom);
    slot.slot = {arena.data(), static_cast<std::uint32_t>(arena.size()), kSlotHeadRoom,
                 static_cast<std::uint32_t>(packet.size())};
  }
  Bytes arena;
  PacketSlot slot;
};

struct Fitted {
  std::vector<Bytes> out, back;
};

Fitted fit(PathFitter& fitter, const std::vector<Bytes>& packets, std::size_t mtu, Time now = Time{1s}) {
  std::vector<Held> held;
  for (const Bytes& packet : packets) held.emplace_back(packet);
  std::vector<PacketSlot> slots;
  for (Held& one : held) {
    one.slot.slot.arena = one.arena.data();
    slots.push_back(one.slot);
  }
  Fitted result;
  const auto keep = [](std::vector<Bytes>& list) {
    return [&list](std::span<PacketSlot> batch) {
      for (const PacketSlot& packet : batch) {
        EXPECT_GE(packet.slot.head_room(), kSlotHeadRoom);
        EXPECT_GE(packet.slot.tail_room(), kSlotTailRoom);
        list.push_back(to_bytes(packet.slot.bytes()));
      }
    };
  };
  fitter.fit(now, slots, [&](const IpAddress&) { return mtu; }, keep(result.out), keep(result.back));
  return result;
}

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return bytes;
}

/// Timestamps, as every Linux segment carries them.
const Bytes kTimestamps = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};

TEST(PathFitter, CutsATcpSegmentIntoTheSameBytesInOrder) {
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
    for (std::size_t mtu = 256; mtu <= 1400; mtu += 16) {
      PathFitter fitter;
      const TcpPacket spec{.family = family, .flags = 0x19, .options = kTimestamps, .payload = pattern(1300)};
      const auto fitted = fit(fitter, {test::make_packet(spec)}, mtu);
      Bytes stream;
      for (std::size_t i = 0; i < fitted.out.size(); ++i) {
        const Bytes& piece = fitted.out[i];
        ASSERT_LE(piece.size(), mtu);
        ASSERT_EQ(test::transport_checksum(piece, spec.ip_header()), 0) << mtu;
        const ByteView tcp = ByteView(piece).subspan(spec.ip_header());
        EXPECT_EQ(load_u32be(&tcp[4]), 1000 + stream.size());
        EXPECT_EQ((tcp[13] & 0x01) != 0, i + 1 == fitted.out.size()) << "FIN on the last only";
        stream.insert(stream.end(), piece.begin() + static_cast<std::ptrdiff_t>(spec.headers()), piece.end());
      }
      EXPECT_EQ(stream, spec.payload) << mtu;
    }
  }
}

TEST(PathFitter, LeavesWhatFitsAndWhatHasNoBoundAsItIs) {
  PathFitter fitter;
  const Bytes small = test::make_packet({.payload = pattern(100)});
  const Bytes large = test::make_packet({.payload = pattern(1300)});
  EXPECT_EQ(fit(fitter, {small}, 512).out, std::vector<Bytes>{small});
  EXPECT_EQ(fit(fitter, {large}, 0).out, std::vector<Bytes>{large});
  const Bytes broken = {0x45, 0, 0};
  EXPECT_EQ(fit(fitter, {broken}, 512).out, std::vector<Bytes>{broken});
  EXPECT_EQ(fitter.counters().cut, 0u);
}

TEST(PathFitter, FragmentsIpv4ThatMayBe) {
  PathFitter fitter;
  const TcpPacket spec{.payload = pattern(1300), .dont_fragment = false, .udp = true};
  const auto fitted = fit(fitter, {test::make_packet(spec)}, 512);
  ASSERT_EQ(fitted.out.size(), 3u);
  std::size_t bytes = 0;
  for (const Bytes& piece : fitted.out) {
    EXPECT_LE(piece.size(), 512u);
    EXPECT_EQ(test::internet_checksum(ByteView(piece).first(20)), 0);
    EXPECT_EQ(std::size_t{load_u16be(&piece[6])} % 0x2000 * 8, bytes);
    bytes += piece.size() - 20;
  }
  EXPECT_EQ(bytes, 1308u);
  EXPECT_TRUE(fitted.back.empty());
}

TEST(PathFitter, RefusesIpv4ThatMustNotBeFragmentedAndSaysSo) {
  PathFitter fitter;
  const Bytes packet = test::make_packet({.payload = pattern(1300), .udp = true});
  const auto fitted = fit(fitter, {packet}, 1008);
  EXPECT_TRUE(fitted.out.empty());
  ASSERT_EQ(fitted.back.size(), 1u);
  const Bytes& answer = fitted.back[0];
  ASSERT_LE(answer.size(), 576u);
  EXPECT_EQ(test::internet_checksum(ByteView(answer).first(20)), 0);
  EXPECT_EQ(test::internet_checksum(ByteView(answer).subspan(20)), 0);
  EXPECT_EQ(answer[20], 3);
  EXPECT_EQ(answer[21], 4);
  EXPECT_EQ(load_u16be(&answer[26]), 1008);
  EXPECT_TRUE(std::ranges::equal(ByteView(answer).subspan(12, 4), ByteView(packet).subspan(16, 4))) << "from the peer";
  EXPECT_TRUE(std::ranges::equal(ByteView(answer).subspan(16, 4), ByteView(packet).subspan(12, 4)));
  EXPECT_TRUE(std::ranges::equal(ByteView(answer).subspan(28), ByteView(packet).first(answer.size() - 28)));
}

/// RFC 8200 §5: no IPv6 sender is told less than 1,280; what it then sends goes out in fragments of the outer packet.
TEST(PathFitter, TellsIpv6NoLessThanItsLeastMtu) {
  PathFitter fitter;
  const auto packet = [](std::size_t size) {
    return test::make_packet({.family = IpFamily::v6, .payload = pattern(size - 48), .udp = true});
  };
  const auto refused = fit(fitter, {packet(1281)}, 512);
  EXPECT_TRUE(refused.out.empty());
  ASSERT_EQ(refused.back.size(), 1u);
  const Bytes& answer = refused.back[0];
  EXPECT_EQ(answer[40], 2);
  EXPECT_EQ(load_u32be(&answer[44]), 1280u);
  Bytes pseudo;
  pseudo.insert(pseudo.end(), answer.begin() + 8, answer.begin() + 40);
  Writer rest;
  rest.u32be(static_cast<std::uint32_t>(answer.size() - 40)).u32be(58).bytes(ByteView(answer).subspan(40));
  const Bytes tail = rest.take();
  pseudo.insert(pseudo.end(), tail.begin(), tail.end());
  EXPECT_EQ(test::internet_checksum(pseudo), 0);

  const auto passed = fit(fitter, {packet(1280)}, 512);
  EXPECT_EQ(passed.out.size(), 1u);
  EXPECT_TRUE(passed.back.empty());
  EXPECT_EQ(load_u32be(&fit(fitter, {packet(1400)}, 1360).back.at(0)[44]), 1360u);
}

TEST(PathFitter, KeepsTheOrderOfManyPackets) {
  PathFitter fitter;
  std::vector<Bytes> packets;
  for (std::uint32_t i = 0; i < kMaxBatch; ++i)
    packets.push_back(test::make_packet({.sequence = i * 10'000, .payload = pattern(i % 3 == 0 ? 60 : 1340)}));
  const auto fitted = fit(fitter, packets, 304);
  std::uint32_t last = 0;
  for (const Bytes& piece : fitted.out) {
    EXPECT_GE(load_u32be(&piece[24]), last);
    last = load_u32be(&piece[24]);
  }
  EXPECT_GT(fitted.out.size(), 4 * kMaxBatch);
}

TEST(PathFitter, AnswersAreBoundedInRate) {
  PathFitter fitter;
  const std::vector<Bytes> flood(kMaxBatch, test::make_packet({.payload = pattern(1300), .udp = true}));
  EXPECT_EQ(fit(fitter, flood, 1008).back.size(), static_cast<std::size_t>(AnswerLimit::kBurst));
  EXPECT_EQ(fit(fitter, flood, 1008, Time{1100ms}).back.size(), 20u);
}

TEST(PathFitter, NeverAnswersErrorsOrLaterFragments) {
  Bytes error = test::make_packet({.payload = pattern(1300), .udp = true});
  error[9] = 1;
  error[20] = 3;
  EXPECT_FALSE(packet_too_big(error, 600));
  Bytes fragment = test::make_packet({.payload = pattern(1300), .udp = true});
  store_u16be(&fragment[6], 100);
  EXPECT_FALSE(packet_too_big(fragment, 600));
  EXPECT_TRUE(packet_too_big(test::make_packet({.payload = pattern(1300), .udp = true}), 600));
}

TEST(ClampMss, LowersOnlyLargerOnesAndMendsTheChecksum) {
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
    // At an even and at an odd offset: a no-operation comes first.
    for (const Bytes& options : {Bytes{2, 4, 0x05, 0x50, 1, 1, 4, 2}, Bytes{1, 2, 4, 0x05, 0x50, 4, 2, 0}}) {
      const TcpPacket spec{.family = family, .flags = 0x02, .options = options};
      Bytes packet = test::make_packet(spec);
      const Bytes before = packet;
      const std::size_t at = spec.ip_header() + 20 + (options[0] == 1 ? 3 : 2);
      EXPECT_FALSE(clamp_mss(packet, 1360 + spec.ip_header() + 20));
      EXPECT_EQ(packet, before);
      EXPECT_TRUE(clamp_mss(packet, 512));
      EXPECT_EQ(load_u16be(&packet[at]), 512 - spec.ip_header() - 20);
      EXPECT_EQ(test::transport_checksum(packet, spec.ip_header()), 0);
    }
  }
}

TEST(ClampMss, LeavesOtherPacketsAlone) {
  const Bytes options = {2, 4, 0x05, 0x50};
  Bytes data = test::make_packet({.options = options, .payload = pattern(10)});
  EXPECT_FALSE(clamp_mss(data, 512)) << "no SYN";
  Bytes udp = test::make_packet({.payload = pattern(60), .udp = true});
  EXPECT_FALSE(clamp_mss(udp, 512));
  Bytes none = test::make_packet({.flags = 0x02});
  EXPECT_FALSE(clamp_mss(none, 512));
}

/// Whatever stands in the options, nothing outside the packet is read or written.
TEST(ClampMss, SurvivesRandomOptions) {
  SeededRandom random(1, "options");
  for (int i = 0; i < 20'000; ++i) {
    Bytes options(random.below(11) * 4);
    random.fill(options);
    Bytes packet = test::make_packet({.flags = 0x02, .options = options});
    clamp_mss(packet, 512);
    for (std::size_t length = 0; length < packet.size(); length += 7) {
      Bytes cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length));
      clamp_mss(cut, 512);
    }
  }
}

}  // namespace
}  // namespace weft::inner
