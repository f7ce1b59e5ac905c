// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "mesh/base/random.h"
#include "mesh/base/trace.h"
#include "mesh/io/resolver.h"
#include "tests/contract/contract_world.h"

namespace weft::contract {
namespace {

TEST_F(HostContract, ResolverAnswersALiteralFromTheEventLoop) {
  std::vector<IpAddress> answer;
  for (const char* literal : {"192.0.2.7", "2001:db8::7"}) {
    answer.clear();
    left_.host->resolver().resolve(literal, [&](const Result<std::vector<IpAddress>>& result) {
      ASSERT_TRUE(result);
      answer = *result;
    });
    EXPECT_TRUE(answer.empty());
    ASSERT_TRUE(run_until([&] { return !answer.empty(); }));
    EXPECT_EQ(answer[0], *IpAddress::parse(literal));
  }
}

TEST_F(HostContract, EachPurposeHasItsOwnRandomStream) {
  const auto path = left_.host->rng("path"), wireguard = left_.host->rng("wireguard");
  EXPECT_NE(path->next(), wireguard->next());
}

TEST_F(HostContract, EntropyDoesNotRepeat) {
  std::array<std::uint8_t, 32> first{}, second{};
  left_.host->entropy().fill(first);
  left_.host->entropy().fill(second);
  EXPECT_NE(first, second);
}

TEST_F(HostContract, TraceTakesEvents) {
  trace(left_.host->trace(), Time{}, TraceLevel::debug, "contract", "event", {{"count", std::int64_t{1}}});
}

class TunContract : public HostContract {
 protected:
  void SetUp() override {
    if (!world_->has_tun()) GTEST_SKIP() << "this world opens no TUN device";
    auto device = left_.host->open_tun({.name = "weft-test", .addresses = {Prefix::host(local_)}});
    ASSERT_TRUE(device) << device.error().message;
    device_ = std::move(*device);
    ASSERT_TRUE(device_->set_routes({*Prefix::parse("100.64.7.0/24")}));
  }
  /// An ICMP echo request (RFC 792) between addresses of the overlay.
  static Bytes echo(const IpAddress& from, const IpAddress& to) {
    Bytes packet = *from_hex("4500001d000040004001000000000000000000000800000000010001aa");
    std::ranges::copy(from.bytes(), packet.begin() + 12);
    std::ranges::copy(to.bytes(), packet.begin() + 16);
    put_checksum(packet, 0, 20, 10);
    put_checksum(packet, 20, packet.size(), 22);
    return packet;
  }
  static void put_checksum(Bytes& packet, std::size_t begin, std::size_t end, std::size_t field) {
    std::uint32_t sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += (i - begin) % 2 == 0 ? packet[i] << 8 : packet[i];
    sum = (sum & 0xFFFF) + (sum >> 16);
    store_u16be(&packet[field], static_cast<std::uint16_t>(~(sum + (sum >> 16))));
  }

  const IpAddress local_ = IpAddress::v4(100, 64, 7, 1), remote_ = IpAddress::v4(100, 64, 7, 2);
  std::unique_ptr<io::TunDevice> device_;
};

TEST_F(TunContract, GivesPacketsOfTheHostToItsReader) {
  std::vector<Bytes> read;
  device_->start_receive([&](std::span<PacketSlot> packets) {
    for (const PacketSlot& packet : packets) {
      EXPECT_GE(packet.slot.head_room(), kSlotHeadRoom);
      EXPECT_GE(packet.slot.tail_room(), kSlotTailRoom);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(packet.slot.arena) % 16, 0u);
      if (packet.slot.bytes()[0] >> 4 == 4) read.push_back(to_bytes(packet.slot.bytes()));
    }
  });
  const Bytes packet = echo(local_, remote_);
  world_->send_from_application(packet);
  ASSERT_TRUE(run_until([&] { return std::ranges::find(read, packet) != read.end(); }));
}

TEST_F(TunContract, TakesPacketsForTheHost) {
  device_->start_receive([](std::span<PacketSlot>) {});
  Bytes packet = echo(remote_, local_);
  Bytes arena(kSlotHeadRoom + packet.size() + kSlotTailRoom);
  std::ranges::copy(packet, arena.begin() + kSlotHeadRoom);
  PacketSlot slot{.slot = {arena.data(), static_cast<std::uint32_t>(arena.size()), kSlotHeadRoom,
                           static_cast<std::uint32_t>(packet.size())}};
  EXPECT_EQ(device_->write({&slot, 1}), 1u);
  ASSERT_TRUE(run_until([&] {
    const auto received = world_->received_by_application();
    return std::ranges::find(received, packet) != received.end();
  }));
}

TEST_F(TunContract, SecondDeviceOfANameIsRefused) {
  EXPECT_EQ(device_->name(), "weft-test");
  EXPECT_EQ(device_->mtu(), 1400);
  EXPECT_FALSE(left_.host->open_tun({.name = "weft-test"}));
}

}  // namespace
}  // namespace weft::contract
