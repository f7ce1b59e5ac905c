// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/linux_tun_queue.h"

#include <sys/socket.h>
#include <unistd.h>

#include "mesh/base/internet_checksum.h"
#include "mesh/base/random.h"
#include "mesh/base/tun_segmenter.h"
#include "tests/support/tcp_packets.h"
#include "tests/unit/host/loop_fixture.h"

namespace weft::host {
namespace {

using Segmentation = PacketOffload::Segmentation;

/// A queue on one end of a pair of sockets: what the test writes to the other end is what the kernel would hand over,
/// one message a packet.
class TunQueueTest : public LoopTest {
 protected:
  void open(TunOffload offload) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    kernel_ = FileDescriptor(ends[0]);
    queue_ = std::make_unique<LinuxTunQueue>(loop_, FileDescriptor(ends[1]), offload);
    queue_->start_receive([this](std::span<PacketSlot> packets) {
      for (const PacketSlot& packet : packets) {
        EXPECT_GE(packet.slot.head_room(), kSlotHeadRoom);
        EXPECT_GE(packet.slot.tail_room(), kSlotTailRoom);
        received_.push_back(to_bytes(packet.slot.bytes()));
        // What sealing does with the room must not reach its neighbours.
        std::fill_n(packet.slot.data() - kSlotHeadRoom, packet.slot.length + kSlotHeadRoom + kSlotTailRoom, 0xEE);
      }
    });
  }
  /// False if the pair of sockets takes no more for now.
  bool hand_over(ByteView bytes) {
    return ::write(kernel_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  }
  bool hand_over(ByteView packet, const PacketOffload& offload) {
    const auto header = make_vnet_header(offload, 0);
    return hand_over(Writer().bytes(header).bytes(packet).view());
  }

  FileDescriptor kernel_;
  std::unique_ptr<LinuxTunQueue> queue_;
  std::vector<Bytes> received_;
};

/// A packet as the kernel hands it over, and what the interface's MTU makes of it.
struct Handed {
  Bytes packet;
  PacketOffload offload;
  std::vector<Bytes> expected;
};

Handed draw_packet(Random& random) {
  test::TcpPacket spec{.family = random.below(2) == 0 ? IpFamily::v4 : IpFamily::v6};
  const bool cut = random.below(8) == 0, unfinished = cut || random.below(4) == 0;
  spec.payload = test::pattern(1 + random.below(cut ? 60'000 : 1'380));
  Handed handed{.packet = make_tcp(spec), .offload = {}, .expected = {}};
  if (!unfinished) {
    handed.expected = {handed.packet};
    return handed;
  }
  const auto field = spec.ip_header() + 16;
  const auto pseudo = test::internet_checksum(test::pseudo_header(handed.packet, spec.ip_header()));
  if (!cut) handed.expected = {handed.packet};
  store_u16be(&handed.packet[field], static_cast<std::uint16_t>(~pseudo));
  handed.offload = {
      .needs_checksum = true, .checksum_start = static_cast<std::uint16_t>(spec.ip_header()), .checksum_offset = 16};
  if (!cut) return handed;
  handed.offload.segmentation = spec.family == IpFamily::v4 ? Segmentation::tcp4 : Segmentation::tcp6;
  handed.offload.segment_size = 1'380;
  auto segmenter = TunSegmenter::create(handed.packet, handed.offload);
  while (!segmenter->done()) {
    handed.expected.emplace_back(segmenter->next_length());
    segmenter->write_next(handed.expected.back().data());
  }
  return handed;
}

TEST_F(TunQueueTest, WholeAndSuperPacketsInAnyOrderArriveAsThePacketsOfTheMtu) {
  open(TunOffload::tcp);
  SeededRandom random(1, "handed over");
  std::vector<Bytes> expected;
  for (int round = 0; round < 60; ++round) {
    const std::size_t count = 1 + random.below(40);
    for (std::size_t i = 0; i < count; ++i) {
      const Handed handed = draw_packet(random);
      ASSERT_TRUE(run_until([&] { return hand_over(handed.packet, handed.offload); }));  // there may be no room
      expected.insert(expected.end(), handed.expected.begin(), handed.expected.end());
    }
    ASSERT_TRUE(run_until([&] { return received_.size() >= expected.size(); }));
    ASSERT_EQ(received_, expected) << "round " << round;
    received_.clear();
    expected.clear();
  }
}

TEST_F(TunQueueTest, WhatTheDeviceCannotHaveMeantIsDroppedAlone) {
  open(TunOffload::tcp);
  const Bytes packet = test::make_tcp({.payload = test::pattern(100)});
  const std::size_t good = 12;
  for (std::size_t i = 0; i < good; ++i) {
    ASSERT_TRUE(hand_over(packet, {}));
    ASSERT_TRUE(hand_over(Bytes(5, 0)));                // less than a header
    ASSERT_TRUE(hand_over(Bytes(kVnetHeaderSize, 0)));  // no packet behind it
    ASSERT_TRUE(hand_over(Bytes(60, 9)));               // a kind of segmentation that nobody knows
    const PacketOffload beyond{.needs_checksum = true, .checksum_start = 139, .checksum_offset = 16};
    ASSERT_TRUE(hand_over(packet, beyond));
  }
  ASSERT_TRUE(hand_over(Bytes(packet.rbegin(), packet.rend()), {}));  // the last one
  ASSERT_TRUE(run_until([&] { return received_.size() > good; }));
  received_.pop_back();
  EXPECT_EQ(received_, std::vector<Bytes>(good, packet));
}

TEST_F(TunQueueTest, WithoutAHeaderEveryByteIsThePackets) {
  open(TunOffload::none);
  std::vector<Bytes> expected;
  for (std::size_t i = 0; i < 40; ++i) {
    expected.push_back(test::make_tcp({.payload = test::pattern(1 + i)}));
    ASSERT_TRUE(hand_over(expected.back()));
  }
  ASSERT_TRUE(run_until([&] { return received_.size() >= expected.size(); }));
  EXPECT_EQ(received_, expected);
}

}  // namespace
}  // namespace weft::host
