// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/tun_coalescer.h"

#include <gtest/gtest.h>

#include <map>

#include "mesh/base/random.h"
#include "mesh/base/tun_segmenter.h"
#include "tests/support/tcp_packets.h"

namespace weft::host {
namespace {

using test::TcpPacket;

constexpr std::size_t kSize = 100;

/// Packets of one flow in order, `sizes` their payloads.
std::vector<Bytes> flow(TcpPacket spec, const std::vector<std::size_t>& sizes) {
  std::vector<Bytes> packets;
  for (const std::size_t size : sizes) {
    spec.payload = test::pattern(size);
    packets.push_back(make_tcp(spec));
    spec.sequence += static_cast<std::uint32_t>(size);
    ++spec.identification;
  }
  return packets;
}

std::vector<PacketSlot> slots_of(std::vector<Bytes>& packets) {
  std::vector<PacketSlot> slots;
  for (Bytes& packet : packets) slots.push_back(test::slot_of(packet));
  return slots;
}

/// How many packets are in the run that the first one begins.
std::size_t merged(std::vector<Bytes> packets) { return TunCoalescer().plan(slots_of(packets), true).front().count; }

/// The super-packet as the kernel sees it.
Bytes join(const TunCoalescer& coalescer, const TunCoalescer::Run& run, std::span<const PacketSlot> packets) {
  const MergedHeaders headers = coalescer.headers(run);
  Bytes whole(headers.bytes.begin(), headers.bytes.begin() + static_cast<std::ptrdiff_t>(headers.length));
  for (std::size_t i = 0, at = run.first; i < run.count; ++i, at = coalescer.next(at)) {
    const auto payload = packets[at].slot.bytes().subspan(headers.length);
    whole.insert(whole.end(), payload.begin(), payload.end());
  }
  return whole;
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

TEST(TunCoalescer, ASuperPacketCutAgainGivesTheSamePackets) {
  SeededRandom random(2, "runs");
  for (int round = 0; round < 300; ++round) {
    TcpPacket spec{.family = round % 2 == 0 ? IpFamily::v4 : IpFamily::v6};
    spec.dont_fragment = round % 4 < 2;
    spec.ecn = round % 5 == 0 ? Ecn::ce : Ecn::ect0;
    spec.options = test::pattern(random.below(11) * 4);
    const std::size_t size = 2 + random.below(1'400);
    std::vector<std::size_t> sizes(2 + random.below(30), size);
    sizes.back() -= random.below(size);
    auto packets = flow(spec, sizes);
    packets.back()[spec.ip_header() + 13] |= round % 3 == 0 ? 0x08 : 0;
    test::mend_checksums(packets.back(), spec.ip_header());
    const auto slots = slots_of(packets);
    TunCoalescer coalescer;
    const auto runs = coalescer.plan(slots, false);
    ASSERT_EQ(runs.size(), 1u);
    ASSERT_EQ(runs[0].count, packets.size());
    const auto headers = coalescer.headers(runs[0]);
    EXPECT_EQ(headers.offload.segment_size, size);
    const Bytes whole = join(coalescer, runs[0], slots);
    const auto partial =
        static_cast<std::uint16_t>(~test::internet_checksum(test::pseudo_header(whole, spec.ip_header())));
    EXPECT_EQ(load_u16be(&whole[spec.ip_header() + 16]), partial);
    ASSERT_EQ(cut(whole, headers.offload), packets);
  }
}

/// What the machine gets, a super-packet cut into packets again.
std::vector<Bytes> delivered(std::vector<Bytes> packets, bool udp, std::size_t& writes) {
  const auto slots = slots_of(packets);
  TunCoalescer coalescer;
  std::vector<Bytes> out;
  for (const auto& run : coalescer.plan(slots, udp)) {
    ++writes;
    const auto more = run.count == 1 ? std::vector<Bytes>{packets[run.first]}
                                     : cut(join(coalescer, run, slots), coalescer.headers(run).offload);
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

/// Random packets of random flows in random order: some adjacent, some not; some plain, some with what forbids merging.
struct Traffic {
  explicit Traffic(SeededRandom& source) : random(source) {
    const std::size_t count = 1 + random.below(10);
    for (std::size_t i = 0; i < count; ++i) {
      TcpPacket flow{.family = random.below(2) == 0 ? IpFamily::v4 : IpFamily::v6};
      flow.udp = random.below(2) == 0;
      flow.source_port = static_cast<std::uint16_t>(6'000 + i);
      flow.sequence = static_cast<std::uint32_t>(random.next());
      flow.dont_fragment = random.below(2) == 0;
      if (!flow.udp) flow.options = test::pattern(random.below(4) * 4);
      flow.payload = test::pattern(1 + random.below(random.below(4) == 0 ? 8'900 : 1'400));
      flows.push_back(flow);
    }
  }
  Bytes next() {
    TcpPacket& flow = flows[random.below(flows.size())];
    TcpPacket packet = flow;
    const std::size_t oddity = random.below(24);
    if (oddity == 0) packet.payload.resize(1 + random.below(packet.payload.size()));
    if (oddity == 1) packet.ecn = Ecn::ce;
    if (oddity == 2 && !packet.udp) packet.flags = random.below(2) == 0 ? 0x18 : 0x11;
    if (oddity == 3 && !packet.udp) packet.payload.clear();  // an acknowledgement
    Bytes bytes = make_packet(packet);
    if (oddity == 4) bytes.back() ^= 0x55;                                          // a wrong checksum passes as it is
    if (oddity == 5 && packet.udp) store_u16be(&bytes[packet.ip_header() + 6], 0);  // no checksum at all
    if (oddity == 6 && packet.family == IpFamily::v4) {
      bytes[6] |= 0x20;  // a fragment
      test::mend_checksums(bytes, 20);
    }
    flow.sequence += static_cast<std::uint32_t>(packet.payload.size());
    ++flow.identification;
    return bytes;
  }
  SeededRandom& random;
  std::vector<TcpPacket> flows;
};

std::map<std::uint16_t, std::vector<Bytes>> by_flow(const std::vector<Bytes>& packets) {
  std::map<std::uint16_t, std::vector<Bytes>> flows;
  for (const Bytes& packet : packets) flows[load_u16be(&packet[packet[0] == 0x45 ? 20 : 40])].push_back(packet);
  return flows;
}

TEST(TunCoalescer, TheMachineGetsEachFlowUnchangedAndInOrderWhateverIsMerged) {
  SeededRandom random(3, "traffic");
  std::size_t packets = 0, writes = 0;
  for (int round = 0; round < 500; ++round) {
    Traffic traffic(random);
    std::vector<Bytes> sent;
    const std::size_t count = 1 + random.below(kMaxBatch);
    for (std::size_t i = 0; i < count; ++i) sent.push_back(traffic.next());
    packets += sent.size();
    ASSERT_EQ(by_flow(delivered(sent, round % 2 == 0, writes)), by_flow(sent)) << "round " << round;
  }
  EXPECT_LT(writes, packets * 3 / 4) << "hardly anything was merged";
}

TEST(TunCoalescer, DatagramsOfOneSizeMakeARunIfTheDeviceTakesIt) {
  TcpPacket spec{.payload = test::pattern(kSize), .udp = true};
  std::vector<Bytes> packets(70, make_packet(spec));
  EXPECT_EQ(merged(packets), 64u);
  EXPECT_EQ(TunCoalescer().plan(slots_of(packets), false).size(), 70u);
  store_u16be(&packets[2][26], 0);
  EXPECT_EQ(merged(packets), 2u) << "a datagram without a checksum cannot come out of a run";
}

TEST(TunCoalescer, AFragmentMayBeOfAnyFlowAndNothingPassesIt) {
  auto packets = flow({}, {kSize, kSize, kSize});
  packets[1][6] |= 0x20;
  test::mend_checksums(packets[1], 20);
  std::size_t writes = 0;
  EXPECT_EQ(delivered(packets, true, writes), packets);
}

TEST(TunCoalescer, AShorterPacketOrAPushEndsTheRun) {
  for (const auto family : {IpFamily::v4, IpFamily::v6}) {
    EXPECT_EQ(merged(flow({.family = family}, {kSize, kSize, kSize - 1, kSize - 1})), 3u);
    EXPECT_EQ(merged(flow({.family = family}, {kSize, kSize + 1})), 1u);
    EXPECT_EQ(merged(flow({.family = family, .flags = 0x18}, {kSize, kSize})), 1u);
  }
}

TEST(TunCoalescer, ASuperPacketIsNoLongerThanAnIpPacket) {
  EXPECT_EQ(merged(flow({}, std::vector<std::size_t>(60, 1'400))), (65'535u - 40) / 1'400);
}

TEST(TunCoalescer, LeavesAloneWhatSegmentationWouldNotGiveBack) {
  struct Change {
    const char* what;
    std::size_t v4, v6;  // the byte of the second packet that changes, 0: not in this family
    std::uint8_t by;
  };
  const Change changes[] = {{"traffic class", 1, 1, 0x20},
                            {"flow label", 0, 3, 1},
                            {"hop limit", 8, 7, 1},
                            {"source address", 15, 23, 1},
                            {"destination address", 19, 39, 1},
                            {"source port", 21, 41, 1},
                            {"destination port", 23, 43, 1},
                            {"sequence", 27, 47, 1},
                            {"acknowledgement", 31, 51, 1},
                            {"window", 35, 55, 1},
                            {"options", 43, 63, 1},
                            {"urgent pointer", 39, 59, 1},
                            {"SYN", 33, 53, 0x02},
                            {"FIN", 33, 53, 0x01},
                            {"RST", 33, 53, 0x04},
                            {"URG", 33, 53, 0x20},
                            {"ECE", 33, 53, 0x40},
                            {"CWR", 33, 53, 0x80},
                            {"no ACK", 33, 53, 0x10},
                            {"header length", 32, 52, 0x10},
                            {"may be fragmented", 6, 0, 0x40},
                            {"more fragments", 6, 0, 0x20},
                            {"fragment offset", 7, 0, 1},
                            {"protocol", 9, 6, 17 ^ 6}};
  for (const auto family : {IpFamily::v4, IpFamily::v6}) {
    const TcpPacket spec{.family = family, .options = {1, 1, 1, 1}};
    ASSERT_EQ(merged(flow(spec, {kSize, kSize})), 2u);
    for (const auto& change : changes) {
      const std::size_t at = family == IpFamily::v4 ? change.v4 : change.v6;
      if (at == 0) continue;
      auto packets = flow(spec, {kSize, kSize});
      packets[1][at] ^= change.by;
      test::mend_checksums(packets[1], spec.ip_header());
      EXPECT_EQ(merged(packets), 1u) << change.what;
    }
  }
}

TEST(TunCoalescer, VouchesForNoChecksumThatIsWrong) {
  for (const auto family : {IpFamily::v4, IpFamily::v6}) {
    const TcpPacket spec{.family = family};
    for (const std::size_t which : {0, 1, 2}) {
      auto packets = flow(spec, {kSize, kSize, kSize});
      packets[which].back() ^= 1;
      EXPECT_EQ(merged(packets), which == 2 ? 2u : 1u);
      packets = flow(spec, {kSize, kSize, kSize});
      if (family == IpFamily::v4) packets[which][10] ^= 1;
      EXPECT_EQ(merged(packets), family == IpFamily::v6 ? 3u : which == 2 ? 2u : 1u);
    }
  }
}

TEST(TunCoalescer, WithoutDontFragmentTheIdentificationCounts) {
  auto packets = flow({.dont_fragment = false}, {kSize, kSize});
  EXPECT_EQ(merged(packets), 2u);
  store_u16be(&packets[1][4], 1);
  test::mend_checksums(packets[1], 20);
  EXPECT_EQ(merged(packets), 1u);
}

TEST(TunCoalescer, SurvivesPacketsThatAreCutOff) {
  for (const auto family : {IpFamily::v4, IpFamily::v6}) {
    const auto whole = flow({.family = family}, {kSize, kSize});
    for (std::size_t length = 0; length < whole[1].size(); ++length) {
      auto packets = whole;
      packets[1].resize(length);
      EXPECT_EQ(merged(packets), 1u);
      std::swap(packets[0], packets[1]);
      EXPECT_EQ(merged(packets), 1u);
    }
  }
}

}  // namespace
}  // namespace weft::host
