// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/tun_segmenter.h"

#include <gtest/gtest.h>

#include "mesh/base/internet_checksum.h"
#include "mesh/base/random.h"
#include "tests/support/tcp_packets.h"

namespace weft::host {
namespace {

using test::TcpPacket;
using Segmentation = PacketOffload::Segmentation;

PacketOffload tcp_offload(const TcpPacket& spec, std::uint16_t segment_size) {
  const auto tcp = spec.family == IpFamily::v4 ? Segmentation::tcp4 : Segmentation::tcp6;
  return {.segmentation = spec.udp ? Segmentation::udp_l4 : tcp,
          .segment_size = segment_size,
          .needs_checksum = true,
          .checksum_start = static_cast<std::uint16_t>(spec.ip_header()),
          .checksum_offset = static_cast<std::uint16_t>(spec.udp ? 6 : 16)};
}

std::vector<Bytes> cut(ByteView packet, const PacketOffload& offload) {
  auto segmenter = TunSegmenter::create(packet, offload);
  std::vector<Bytes> out;
  while (segmenter && !segmenter->done()) {
    out.emplace_back(segmenter->next_length());
    segmenter->write_next(out.back().data());
  }
  return out;
}

/// The n-th of `count` packets, made from nothing.
Bytes expected(const TcpPacket& spec, std::size_t n, std::size_t count, std::size_t segment_size) {
  TcpPacket part = spec;
  const std::size_t from = n * segment_size, to = std::min(from + segment_size, spec.payload.size());
  part.payload.assign(spec.payload.begin() + static_cast<std::ptrdiff_t>(from),
                      spec.payload.begin() + static_cast<std::ptrdiff_t>(to));
  part.sequence += static_cast<std::uint32_t>(from);
  part.identification = static_cast<std::uint16_t>(spec.identification + n);
  if (n > 0) part.flags &= 0x7F;              // CWR
  if (n + 1 < count) part.flags &= 0xFF - 9;  // FIN and PSH
  return make_tcp(part);
}

TEST(TunSegmenter, CutsSuperPacketsIntoWhatWouldHaveBeenSent) {
  SeededRandom random(1, "segments");
  for (int round = 0; round < 300; ++round) {
    TcpPacket spec{.family = round % 2 == 0 ? IpFamily::v4 : IpFamily::v6};
    spec.sequence = 0xFFFFF000;  // wraps
    spec.flags = round % 3 == 0 ? 0x99 : 0x10;
    spec.udp = round % 5 == 4;
    if (!spec.udp) spec.options = test::pattern(random.below(11) * 4);
    spec.payload = test::pattern(1 + random.below(20'000));
    spec.identification = 0xFFFE;
    const auto segment_size = static_cast<std::uint16_t>(1 + random.below(3'000));
    const auto packets = cut(make_tcp(spec), tcp_offload(spec, segment_size));
    const std::size_t count = (spec.payload.size() + segment_size - 1) / segment_size;
    ASSERT_EQ(packets.size(), count);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(packets[i], expected(spec, i, count, segment_size)) << i;
  }
}

TEST(TunSegmenter, PassesAWholePacketUnchanged) {
  const Bytes packet = test::make_tcp({.payload = test::pattern(333)});
  EXPECT_EQ(cut(packet, {}), std::vector<Bytes>{packet});
}

TEST(TunSegmenter, FillsInAChecksumThatHoldsThePseudoHeader) {
  for (const auto family : {IpFamily::v4, IpFamily::v6}) {
    const TcpPacket spec{.family = family, .payload = test::pattern(101)};
    const Bytes packet = make_tcp(spec);
    Bytes partial = packet;
    store_u16be(&partial[spec.ip_header() + 16],
                static_cast<std::uint16_t>(~test::internet_checksum(test::pseudo_header(packet, spec.ip_header()))));
    PacketOffload offload = tcp_offload(spec, 0);
    offload.segmentation = Segmentation::none;
    EXPECT_EQ(cut(partial, offload), std::vector<Bytes>{packet});
  }
}

TEST(TunSegmenter, WritesAUdpChecksumOfZeroAsAllOnes) {
  Bytes packet(30, 0);
  store_u16be(&packet[28], 0xFFFF);
  const PacketOffload offload{.needs_checksum = true, .checksum_start = 20, .checksum_offset = 6};
  const auto out = cut(packet, offload);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(load_u16be(&out[0][26]), 0xFFFF);
}

TEST(TunSegmenter, RefusesWhatDoesNotFitThePacket) {
  const TcpPacket spec{.payload = test::pattern(3'000)};
  const Bytes good = make_tcp(spec);
  const PacketOffload fits = tcp_offload(spec, 1'000);
  ASSERT_EQ(cut(good, fits).size(), 3u);
  const auto refused = [&](auto change) {
    Bytes packet = good;
    PacketOffload offload = fits;
    change(packet, offload);
    return !TunSegmenter::create(packet, offload).has_value();
  };
  EXPECT_TRUE(refused([](Bytes& packet, PacketOffload&) { packet.clear(); }));
  EXPECT_TRUE(refused([](Bytes& packet, PacketOffload&) { packet.resize(39); }));
  EXPECT_TRUE(refused([](Bytes& packet, PacketOffload&) { packet.resize(40); }));  // no payload
  EXPECT_TRUE(refused([](Bytes& packet, PacketOffload&) { packet[0] = 0x46; }));
  EXPECT_TRUE(refused([](Bytes& packet, PacketOffload&) { packet[0] = 0x65; }));
  EXPECT_TRUE(refused([](Bytes& packet, PacketOffload&) { packet[9] = 17; }));
  EXPECT_TRUE(refused([](Bytes& packet, PacketOffload&) { packet[32] = 0x40; }));  // TCP header of 16 bytes
  EXPECT_TRUE(refused([](Bytes&, PacketOffload& offload) { offload.segment_size = 0; }));
  EXPECT_TRUE(refused([](Bytes&, PacketOffload& offload) { offload.segmentation = Segmentation::tcp6; }));
  EXPECT_TRUE(refused([](Bytes&, PacketOffload& offload) { offload.segmentation = Segmentation::udp_l4; }));
  EXPECT_TRUE(refused([](Bytes&, PacketOffload& offload) { offload.checksum_start = 60'000; }));
  EXPECT_TRUE(refused([](Bytes&, PacketOffload& offload) { offload.checksum_start = 8; }));
  EXPECT_TRUE(refused([](Bytes&, PacketOffload& offload) {
    offload = {.needs_checksum = true, .checksum_start = 3'000, .checksum_offset = 40};
  }));
}

TEST(InternetChecksum, AgreesWithTheDefinitionForAllLengths) {
  const Bytes bytes = test::pattern(300);
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t length = 0; from + length <= bytes.size(); ++length) {
      const ByteView part = ByteView(bytes).subspan(from, length);
      ASSERT_EQ(static_cast<std::uint16_t>(~ones_sum(part)), test::internet_checksum(part)) << from << ' ' << length;
    }
  }
  EXPECT_EQ(ones_sum(Bytes(2'000, 0xFF)), 0xFFFF);
  EXPECT_EQ(ones_sum(Bytes{0x00, 0x01}, 0xFFFF), 0x0001);
}

}  // namespace
}  // namespace weft::host
