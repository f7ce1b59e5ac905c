// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "mesh/io/udp_socket.h"
#include "tests/contract/contract_world.h"

namespace weft::contract {
namespace {

/// A datagram that arrived, with what travelled beside it. A run of several (UDP_GRO) is taken apart.
struct Arrival {
  Bytes content;
  DatagramMeta meta;
};

/// Slots with the room the contract asks for.
class Outbox {
 public:
  void add(ByteView content, DatagramMeta meta) {
    constexpr std::size_t kArena = 65'536;
    if (used_ + content.size() + kSlotHeadRoom + kSlotTailRoom + 16 > memory_.size())
      memory_.resize(memory_.size() + kArena * 2);
    metas_.push_back(meta);
    offsets_.push_back(used_);
    lengths_.push_back(content.size());
    std::ranges::copy(content, memory_.begin() + static_cast<std::ptrdiff_t>(used_ + kSlotHeadRoom));
    used_ += (content.size() + kSlotHeadRoom + kSlotTailRoom + 15) / 16 * 16;
  }
  std::vector<DatagramSlot> slots() {
    std::vector<DatagramSlot> out;
    for (std::size_t i = 0; i < metas_.size(); ++i) {
      const auto length = static_cast<std::uint32_t>(lengths_[i]);
      const auto capacity = static_cast<std::uint32_t>(length + kSlotHeadRoom + kSlotTailRoom);
      out.push_back({{memory_.data() + offsets_[i], capacity, kSlotHeadRoom, length}, metas_[i]});
    }
    return out;
  }

 private:
  Bytes memory_;
  std::size_t used_ = 0;
  std::vector<DatagramMeta> metas_;
  std::vector<std::size_t> offsets_, lengths_;
};

class UdpContract : public HostContract, public testing::WithParamInterface<IpFamily> {
 protected:
  std::unique_ptr<io::UdpSocket> open(const ContractHost& on, std::uint16_t port = 0) {
    auto socket = on.host->open_udp({.local = {on.address(GetParam()), port}, .tell_ttl = true});
    EXPECT_TRUE(socket) << socket.error().message;
    return std::move(*socket);
  }
  void collect(io::UdpSocket& socket, std::vector<Arrival>& into) {
    socket.start_receive([&into](std::span<DatagramSlot> items) {
      EXPECT_GE(items.size(), 1u);
      EXPECT_LE(items.size(), kMaxBatch);
      for (const DatagramSlot& item : items) {
        if (!item.meta.icmp) {
          EXPECT_GE(item.slot.head_room(), kSlotHeadRoom);
          EXPECT_GE(item.slot.tail_room(), kSlotTailRoom);
        }
        const ByteView all = item.slot.bytes();
        const std::size_t step =
            item.meta.segment_size == 0 ? std::max<std::size_t>(all.size(), 1) : item.meta.segment_size;
        std::size_t at = 0;
        do {
          into.push_back({to_bytes(all.subspan(at, std::min(step, all.size() - at))), item.meta});
          at += step;
        } while (at < all.size());
      }
    });
  }
  SendError send(io::UdpSocket& socket, ByteView content, DatagramMeta meta) {
    Outbox box;
    box.add(content, meta);
    auto slots = box.slots();
    socket.send(slots);
    return slots[0].meta.send_error;
  }
  Endpoint right_endpoint(const io::UdpSocket& socket) const {
    return {right_.address(GetParam()), socket.local_endpoint().port};
  }
};

TEST_P(UdpContract, CarriesADatagramWithBothAddresses) {
  auto left = open(left_), right = open(right_);
  std::vector<Arrival> arrived;
  collect(*right, arrived);
  const Bytes content{1, 2, 3, 4, 5};
  ASSERT_EQ(send(*left, content, {.destination = right_endpoint(*right)}), SendError::none);
  ASSERT_TRUE(run_until([&] { return !arrived.empty(); }));
  EXPECT_EQ(arrived[0].content, content);
  EXPECT_EQ(arrived[0].meta.source, (Endpoint{left_.address(GetParam()), left->local_endpoint().port}));
  EXPECT_EQ(arrived[0].meta.destination, right_endpoint(*right));
}

TEST_P(UdpContract, AnswersReachASocketBoundToTheUnspecifiedAddress) {
  auto left = left_.host->open_udp({.local = {IpAddress::any(GetParam()), 0}});
  ASSERT_TRUE(left);
  auto right = open(right_);
  std::vector<Arrival> answers;
  collect(**left, answers);
  right->start_receive([&](std::span<DatagramSlot> items) {
    for (DatagramSlot& item : items) {
      item.meta = {.source = item.meta.destination, .destination = item.meta.source};
    }
    right->send(items);
  });
  ASSERT_EQ(send(**left, Bytes{42}, {.destination = right_endpoint(*right)}), SendError::none);
  ASSERT_TRUE(run_until([&] { return !answers.empty(); }));
  EXPECT_EQ(answers[0].content, Bytes{42});
  EXPECT_EQ(answers[0].meta.source, right_endpoint(*right));
}

TEST_P(UdpContract, SocketOfAnInterfaceSendsAndReceivesByIt) {
  auto left = left_.host->open_udp({.local = {IpAddress::any(GetParam()), 0}, .interface = "eth0"});
  if (!left) GTEST_SKIP() << "the hosts are addresses of the loopback";
  auto right = open(right_);
  std::vector<Arrival> asked, answers;
  collect(*right, asked);
  collect(**left, answers);
  ASSERT_EQ(send(**left, Bytes{42}, {.destination = right_endpoint(*right)}), SendError::none);
  ASSERT_TRUE(run_until([&] { return !asked.empty(); }));
  EXPECT_EQ(asked[0].meta.source.address, left_.address(GetParam()));
  ASSERT_EQ(send(*right, Bytes{43}, {.destination = asked[0].meta.source}), SendError::none);
  EXPECT_TRUE(run_until([&] { return !answers.empty(); }));
}

TEST_P(UdpContract, AnInterfaceThatIsNotThereIsAnError) {
  const auto socket = left_.host->open_udp({.local = {IpAddress::any(GetParam()), 0}, .interface = "none"});
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, ErrorCode::io);
}

TEST_P(UdpContract, KeepsTheOrderOfABatch) {
  auto left = open(left_), right = open(right_);
  std::vector<Arrival> arrived;
  collect(*right, arrived);
  Outbox box;
  for (std::uint8_t i = 0; i < kMaxBatch; ++i) {
    box.add(Bytes(std::size_t{i} + 1, i), {.destination = right_endpoint(*right)});
  }
  auto slots = box.slots();
  EXPECT_EQ(left->send(slots), kMaxBatch);
  ASSERT_TRUE(run_until([&] { return arrived.size() == kMaxBatch; }));
  for (std::uint8_t i = 0; i < kMaxBatch; ++i) EXPECT_EQ(arrived[i].content, Bytes(std::size_t{i} + 1, i));
}

TEST_P(UdpContract, SplitsARunIntoSegments) {
  auto left = open(left_), right = open(right_);
  std::vector<Arrival> arrived;
  collect(*right, arrived);
  Bytes run(2'500);
  for (std::size_t i = 0; i < run.size(); ++i) run[i] = static_cast<std::uint8_t>(i / 1'000 + 1);
  // A host may drop from a run that waited too long for its turn, unless it can be marked instead (RFC 3168).
  const DatagramMeta meta{.destination = right_endpoint(*right), .ecn = Ecn::ect0, .segment_size = 1'000};
  ASSERT_EQ(send(*left, run, meta), SendError::none);
  ASSERT_TRUE(run_until([&] { return arrived.size() == 3; })) << arrived.size() << " arrived";
  EXPECT_EQ(arrived[0].content, Bytes(1'000, 1));
  EXPECT_EQ(arrived[1].content, Bytes(1'000, 2));
  EXPECT_EQ(arrived[2].content, Bytes(500, 3));
}

TEST_P(UdpContract, CarriesTheEcnField) {
  auto left = open(left_), right = open(right_);
  std::vector<Arrival> arrived;
  collect(*right, arrived);
  for (const Ecn ecn : {Ecn::not_ect, Ecn::ect0, Ecn::ect1, Ecn::ce}) {
    ASSERT_EQ(send(*left, Bytes{static_cast<std::uint8_t>(ecn)}, {.destination = right_endpoint(*right), .ecn = ecn}),
              SendError::none);
  }
  ASSERT_TRUE(run_until([&] { return arrived.size() == 4; }));
  for (const Arrival& arrival : arrived) EXPECT_EQ(static_cast<std::uint8_t>(arrival.meta.ecn), arrival.content[0]);
}

TEST_P(UdpContract, CarriesTheTtlLessTheHops) {
  auto left = open(left_), right = open(right_);
  std::vector<Arrival> arrived;
  collect(*right, arrived);
  ASSERT_EQ(send(*left, Bytes{1}, {.destination = right_endpoint(*right), .ttl = 33}), SendError::none);
  ASSERT_TRUE(run_until([&] { return !arrived.empty(); }));
  EXPECT_EQ(arrived[0].meta.ttl, 33 - world_->hops());
}

TEST_P(UdpContract, ReportsAClosedPort) {
  auto left = open(left_), right = open(right_);
  std::vector<Arrival> errors;
  collect(*left, errors);
  const Endpoint closed = right_endpoint(*right);
  right.reset();
  ASSERT_EQ(send(*left, Bytes{1, 2, 3}, {.destination = closed}), SendError::none);
  ASSERT_TRUE(run_until([&] { return !errors.empty(); }));
  ASSERT_TRUE(errors[0].meta.icmp);
  const IcmpError& error = *errors[0].meta.icmp;
  EXPECT_EQ(error.type, GetParam() == IpFamily::v4 ? 3 : 1);
  EXPECT_EQ(error.code, GetParam() == IpFamily::v4 ? 3 : 4);
  EXPECT_EQ(error.quoted_destination, closed);
  EXPECT_EQ(error.quoted_source.port, left->local_endpoint().port);
  EXPECT_EQ(error.reporter, right_.address(GetParam()));
  EXPECT_TRUE(errors[0].content.empty());
}

TEST_P(UdpContract, ReportsAnExpiredTtl) {
  if (world_->hops() == 0) GTEST_SKIP() << "no router between the hosts of this world";
  auto left = open(left_), right = open(right_);
  std::vector<Arrival> errors, arrived;
  collect(*left, errors);
  collect(*right, arrived);
  ASSERT_EQ(send(*left, Bytes{1}, {.destination = right_endpoint(*right), .ttl = world_->hops()}), SendError::none);
  ASSERT_TRUE(run_until([&] { return !errors.empty(); }));
  ASSERT_TRUE(errors[0].meta.icmp);
  EXPECT_EQ(errors[0].meta.icmp->type, GetParam() == IpFamily::v4 ? 11 : 3);
  EXPECT_EQ(errors[0].meta.icmp->quoted_destination, right_endpoint(*right));
  EXPECT_TRUE(arrived.empty());
}

TEST_P(UdpContract, CarriesADatagramLargerThanTheMtuInPieces) {
  auto left = open(left_), right = open(right_);
  std::vector<Arrival> arrived;
  collect(*right, arrived);
  const Bytes content(4'000, 9);
  ASSERT_EQ(send(*left, content, {.destination = right_endpoint(*right)}), SendError::none);
  ASSERT_TRUE(run_until([&] { return !arrived.empty(); }));
  EXPECT_EQ(arrived[0].content, content);
}

TEST_P(UdpContract, RefusesWhatMayNotBeFragmented) {
  if (world_->mtu() > 60'000) GTEST_SKIP() << "the interface of this world takes the largest datagram whole";
  auto left = open(left_), right = open(right_);
  const Bytes content(world_->mtu(), 1);
  EXPECT_EQ(send(*left, content, {.destination = right_endpoint(*right), .dont_fragment = true}), SendError::too_big);
  const Bytes fits(world_->mtu() - 48, 1);
  EXPECT_EQ(send(*left, fits, {.destination = right_endpoint(*right), .dont_fragment = true}), SendError::none);
}

TEST_P(UdpContract, OneItemThatFailsDoesNotStopTheBatch) {
  auto left = open(left_), right = open(right_);
  std::vector<Arrival> arrived;
  collect(*right, arrived);
  const IpFamily other = GetParam() == IpFamily::v4 ? IpFamily::v6 : IpFamily::v4;
  Outbox box;
  box.add(Bytes{1}, {.destination = {right_.address(other), 9}});
  box.add(Bytes{2}, {.destination = right_endpoint(*right)});
  auto slots = box.slots();
  left->send(slots);
  EXPECT_NE(slots[0].meta.send_error, SendError::none);
  EXPECT_EQ(slots[1].meta.send_error, SendError::none);
  ASSERT_TRUE(run_until([&] { return !arrived.empty(); }));
  EXPECT_EQ(arrived[0].content, Bytes{2});
}

TEST_P(UdpContract, SecondSocketOnAPortIsRefused) {
  auto first = open(right_);
  const auto second = right_.host->open_udp({.local = {right_.address(GetParam()), first->local_endpoint().port}});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::port_taken);
}

TEST_P(UdpContract, PortZeroGivesFreePorts) {
  auto first = open(right_), second = open(right_);
  EXPECT_NE(first->local_endpoint().port, 0);
  EXPECT_NE(first->local_endpoint().port, second->local_endpoint().port);
}

TEST_P(UdpContract, HandlerMayDestroyItsSocket) {
  auto left = open(left_), right = open(right_);
  int calls = 0;
  const auto token = std::make_shared<int>(7);
  right->start_receive([&, token](std::span<DatagramSlot>) {
    right.reset();
    calls += *token;
  });
  const Endpoint to = right_endpoint(*right);
  send(*left, Bytes{1}, {.destination = to});
  ASSERT_TRUE(run_until([&] { return calls > 0; }));
  send(*left, Bytes{2}, {.destination = to});
  run_for(50ms);
  EXPECT_EQ(calls, 7);
}

INSTANTIATE_TEST_SUITE_P(Families, UdpContract, testing::Values(IpFamily::v4, IpFamily::v6),
                         [](const auto& family) { return family.param == IpFamily::v4 ? "v4" : "v6"; });

}  // namespace
}  // namespace weft::contract
