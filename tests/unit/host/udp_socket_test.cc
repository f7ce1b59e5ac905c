// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "mesh/io/udp_socket.h"
#include "tests/unit/host/loop_fixture.h"

namespace weft::host {
namespace {

struct Arrival {
  Bytes bytes;
  DatagramMeta meta;
};

class UdpSocketTest : public LoopTest {
 protected:
  std::unique_ptr<io::UdpSocket> open(const Endpoint& local, bool tell_ttl = false) {
    auto socket = host_->open_udp({.local = local, .tell_ttl = tell_ttl});
    EXPECT_TRUE(socket) << socket.error().message;
    return std::move(*socket);
  }

  void record(io::UdpSocket& socket) {
    socket.start_receive([this](std::span<DatagramSlot> items) {
      for (const auto& item : items) {
        EXPECT_GE(item.slot.head_room(), kSlotHeadRoom);
        EXPECT_GE(item.slot.tail_room(), kSlotTailRoom);
        if (item.meta.segment_size != 0) ++runs_;
        const std::size_t step = item.meta.segment_size == 0 ? item.slot.length : item.meta.segment_size;
        ByteView left = item.slot.bytes();
        do {
          const ByteView one = left.first(std::min(step, left.size()));
          arrivals_.push_back({to_bytes(one), item.meta});
          left = left.subspan(one.size());
        } while (!left.empty());
      }
    });
  }

  DatagramSlot datagram(const Endpoint& to, std::size_t length, std::uint8_t first = 1) {
    memory_.push_back(std::make_unique<Bytes>(length));
    Bytes& bytes = *memory_.back();
    for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
    const auto size = static_cast<std::uint32_t>(length);
    DatagramSlot item{.slot = {.arena = bytes.data(), .capacity = size, .offset = 0, .length = size}, .meta = {}};
    item.meta.destination = to;
    return item;
  }

  std::vector<Arrival> arrivals_;
  int runs_ = 0;  // of datagrams that the kernel had joined
  std::vector<std::unique_ptr<Bytes>> memory_;
};

TEST_F(UdpSocketTest, CarriesBytesAddressesTtlAndEcnBothFamilies) {
  for (const auto family : {IpFamily::v4, IpFamily::v6}) {
    arrivals_.clear();
    auto a = open({IpAddress::any(family), 0});
    auto b = open({IpAddress::any(family), 0}, true);
    record(*b);
    const Endpoint to{IpAddress::loopback(family), b->local_endpoint().port};
    auto item = datagram(to, 300);
    item.meta.source.address = IpAddress::loopback(family);
    item.meta.ttl = 33;
    item.meta.ecn = Ecn::ect0;
    EXPECT_EQ(a->send({&item, 1}), 1u);
    ASSERT_TRUE(run_until([&] { return !arrivals_.empty(); }));
    EXPECT_EQ(arrivals_[0].bytes.size(), 300u);
    EXPECT_EQ(arrivals_[0].meta.source, (Endpoint{IpAddress::loopback(family), a->local_endpoint().port}));
    EXPECT_EQ(arrivals_[0].meta.destination, to);
    EXPECT_EQ(arrivals_[0].meta.ttl, 33);
    EXPECT_EQ(arrivals_[0].meta.ecn, Ecn::ect0);
    EXPECT_NE(arrivals_[0].meta.interface_index, 0u);
  }
}

TEST_F(UdpSocketTest, SaysTheAddressesAloneIfThatIsAllThatIsAskedFor) {
  auto a = open(loopback()), b = open(loopback());
  record(*b);
  auto item = datagram(b->local_endpoint(), 300);
  EXPECT_EQ(a->send({&item, 1}), 1u);
  ASSERT_TRUE(run_until([&] { return !arrivals_.empty(); }));
  EXPECT_EQ(arrivals_[0].meta.source, a->local_endpoint());
  EXPECT_EQ(arrivals_[0].meta.destination, b->local_endpoint());
  EXPECT_EQ(arrivals_[0].meta.ttl, 0);
}

TEST_F(UdpSocketTest, KeepsTheOrderOfABatchLargerThanOneCallTakes) {
  auto a = open(loopback());
  auto b = open(loopback());
  record(*b);
  std::vector<DatagramSlot> items;
  for (int i = 0; i < 100; ++i) {
    items.push_back(datagram(b->local_endpoint(), 64, static_cast<std::uint8_t>(i)));
    items.back().meta.dont_fragment = i % 3 == 0;  // cuts the batch in the middle
  }
  EXPECT_EQ(a->send(items), 100u);
  ASSERT_TRUE(run_until([&] { return arrivals_.size() == 100; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(arrivals_[i].bytes[0], i);
}

TEST_F(UdpSocketTest, SplitsARunOfSegmentsTheLastOneShorter) {
  auto a = open(loopback());
  auto b = open(loopback());
  record(*b);
  std::array items{datagram(b->local_endpoint(), 100 * 70 + 30), datagram(b->local_endpoint(), 50)};
  items[0].meta.segment_size = 100;
  EXPECT_EQ(a->send(items), 2u);
  ASSERT_TRUE(run_until([&] { return arrivals_.size() == 72; }));
  for (int i = 0; i < 70; ++i) {
    ASSERT_EQ(arrivals_[i].bytes.size(), 100u);
    EXPECT_EQ(arrivals_[i].bytes[0], static_cast<std::uint8_t>(1 + 100 * i));
  }
  EXPECT_EQ(arrivals_[70].bytes.size(), 30u);
  EXPECT_EQ(arrivals_[71].bytes.size(), 50u);
}

TEST_F(UdpSocketTest, NeighboursThatDifferInNothingButContentTravelAsRuns) {
  auto a = open(loopback());
  auto b = open(loopback());
  record(*b);
  std::vector<std::size_t> sizes(100, 1'000);
  sizes[70] = 400;    // ends a run
  sizes[80] = 0;      // stands alone
  sizes[90] = 2'000;  // begins one of its own
  std::vector<DatagramSlot> items;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    items.push_back(datagram(b->local_endpoint(), sizes[i], static_cast<std::uint8_t>(i)));
  }
  items[85].meta.ecn = Ecn::ce;
  EXPECT_EQ(a->send(items), 100u);
  ASSERT_TRUE(run_until([&] { return arrivals_.size() == 100; }));
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_EQ(arrivals_[i].bytes.size(), sizes[i]);
    if (sizes[i] > 0) {
      EXPECT_EQ(arrivals_[i].bytes[0], i);
    }
    EXPECT_EQ(arrivals_[i].meta.ecn, i == 85 ? Ecn::ce : Ecn::not_ect);
  }
  EXPECT_GE(runs_, 3);
}

TEST_F(UdpSocketTest, DatagramsToInterleavedDestinationsTravelAsRunsInOrder) {
  auto a = open(loopback());
  std::array receivers{open(loopback()), open(loopback()), open(loopback())};
  std::map<Endpoint, std::vector<std::uint8_t>> got;
  int runs = 0;
  for (const auto& receiver : receivers) {
    receiver->start_receive([&, to = receiver->local_endpoint()](std::span<DatagramSlot> items) {
      for (const auto& [slot, meta] : items) {
        runs += meta.segment_size != 0 ? 1 : 0;
        for (std::uint32_t at = 0; at < slot.length; at += 500) got[to].push_back(slot.data()[at]);
      }
    });
  }
  std::vector<DatagramSlot> items;
  for (std::uint8_t i = 0; i < 90; ++i) items.push_back(datagram(receivers[i % 3]->local_endpoint(), 500, i));
  items[40].meta.send_error = SendError::other;  // left from an earlier use
  EXPECT_EQ(a->send(items), 90u);
  for (const auto& item : items) EXPECT_EQ(item.meta.send_error, SendError::none);
  ASSERT_TRUE(run_until([&] {
    return std::ranges::all_of(receivers,
                               [&](const auto& receiver) { return got[receiver->local_endpoint()].size() == 30; });
  }));
  for (std::size_t r = 0; r < receivers.size(); ++r) {
    for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(got[receivers[r]->local_endpoint()][i], 3 * i + r);
  }
  EXPECT_GE(runs, 3);
}

TEST_F(UdpSocketTest, ReportsIcmpErrorsAsSlotsAndGoesOnSending) {
  Endpoint closed;
  {
    closed = open(loopback())->local_endpoint();
  }
  auto a = open(loopback());
  auto b = open(loopback());
  record(*a);
  record(*b);
  auto lost = datagram(closed, 10);
  EXPECT_EQ(a->send({&lost, 1}), 1u);
  auto good = datagram(b->local_endpoint(), 20);
  EXPECT_EQ(a->send({&good, 1}), 1u);  // the pending error is about the other one
  ASSERT_TRUE(run_until([&] { return arrivals_.size() == 2; }));
  std::ranges::sort(arrivals_, {}, [](const Arrival& arrival) { return arrival.bytes.size(); });
  ASSERT_TRUE(arrivals_[0].meta.icmp);
  EXPECT_EQ(arrivals_[0].meta.icmp->type, 3);
  EXPECT_EQ(arrivals_[0].meta.icmp->code, 3);
  EXPECT_EQ(arrivals_[0].meta.icmp->quoted_destination, closed);
  EXPECT_EQ(arrivals_[0].meta.icmp->quoted_source, a->local_endpoint());
  EXPECT_EQ(arrivals_[0].meta.icmp->reporter, loopback().address);
  EXPECT_EQ(arrivals_[1].bytes.size(), 20u);
}

TEST_F(UdpSocketTest, TellsPerItemWhatWasNotSent) {
  auto a = open(loopback());
  auto b = open(loopback());
  record(*b);
  std::array items{datagram(b->local_endpoint(), 10), datagram(b->local_endpoint(), 65530),
                   datagram(b->local_endpoint(), 11)};
  EXPECT_EQ(a->send(items), 2u);
  EXPECT_EQ(items[0].meta.send_error, SendError::none);
  EXPECT_EQ(items[1].meta.send_error, SendError::too_big);
  EXPECT_EQ(items[2].meta.send_error, SendError::none);
  ASSERT_TRUE(run_until([&] { return arrivals_.size() == 2; }));
}

TEST_F(UdpSocketTest, RefusesATakenPortWithItsNumber) {
  auto a = open(loopback());
  const auto again = host_->open_udp({.local = a->local_endpoint()});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::port_taken);
  EXPECT_NE(again.error().message.find(a->local_endpoint().to_string()), std::string::npos);
}

TEST_F(UdpSocketTest, AHandlerMayDestroyItsSocket) {
  auto a = open(loopback());
  auto b = open(loopback());
  int calls = 0;
  const Endpoint to = b->local_endpoint();
  b->start_receive([&](std::span<DatagramSlot>) {
    ++calls;
    b.reset();
  });
  auto item = datagram(to, 10);
  a->send({&item, 1});
  ASSERT_TRUE(run_until([&] { return calls == 1; }));
  EXPECT_EQ(b, nullptr);
}

}  // namespace
}  // namespace weft::host
