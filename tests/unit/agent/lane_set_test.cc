// SPDX-License-Identifier: BSD-3-Clause
//
//   host ─ two queues ─ node ─ two sockets ─ loopback ─ two sockets ─ node ─ two queues ─ host
//
// Three nodes of two lanes: a control thread, which for all of them is the test's, and a thread each. Every packet is
// given to the queue of the lane that its peer is not of, and every datagram is sent to the socket of the wrong lane.
#include "mesh/agent/lane_set.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <map>
#include <string>

#include "mesh/host/asio_lane.h"
#include "mesh/host/linux_tun_queue.h"
#include "mesh/io/clock.h"
#include "mesh/wireguard/device.h"
#include "tests/support/inner_packets.h"
#include "tests/support/seeded_entropy.h"

namespace weft::agent {
namespace {

constexpr int kNodes = 3;
constexpr unsigned kLanes = 2;

/// A lane whose socket has a port of its own, so that the sender chooses the lane, and whose TUN queue is a socket of
/// packets with the test at its other end.
class TestLane final : public io::Lane {
 public:
  TestLane(io::Lane& lane, host::AsioLoop& loop) : lane_(lane), loop_(loop) {}

  io::Clock& clock() override { return lane_.clock(); }
  std::unique_ptr<io::Waker> make_waker(std::function<void()> handler) override {
    return lane_.make_waker(std::move(handler));
  }
  Result<std::unique_ptr<io::UdpSocket>> open_udp(const io::UdpOptions&) override {
    auto socket = lane_.open_udp({.local = {IpAddress::v4(127, 0, 0, 1), 0}});
    if (socket) endpoint = (*socket)->local_endpoint();
    return socket;
  }
  Result<std::unique_ptr<io::TunQueue>> open_tun_queue(const std::string&) override {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
      return fail(ErrorCode::io, "no pair of sockets");
    host_end = host::FileDescriptor(ends[0]);
    return std::make_unique<host::LinuxTunQueue>(loop_, host::FileDescriptor(ends[1]), host::TunOffload::none);
  }
  void call(const std::function<void()>& task) override { lane_.call(task); }

  Endpoint endpoint;
  host::FileDescriptor host_end;

 private:
  io::Lane& lane_;
  host::AsioLoop& loop_;
};

/// What DataPlane is in an agent, without links and relays.
class Node {
 public:
  explicit Node(int number)
      : random_(1, "node " + std::to_string(number)),
        entropy_(static_cast<std::uint64_t>(100 + number)),
        key(crypto::PrivateKey::generate(entropy_)),
        address(IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(number + 1))) {
    limits_.rekey_after_time = 60ms;
    limits_.keepalive_timeout = 200ms;
    limits_.rekey_timeout = 100ms;
    limits_.reject_after_time = 2s;
    lanes_ = std::make_unique<LaneSet>(
        std::vector<io::Lane*>{&first, &second}, 1420, limits_,
        LaneSet::Handlers{.on_note = [this](const wireguard::LaneNote& note) { device->handle_note(now(), note); },
                          .on_packets = [this](LanePacket::Kind kind, auto packets) { take(kind, packets); },
                          .on_icmp = [](std::uint16_t, const IcmpError&) {},
                          .on_stray = [](const PathId&) {},
                          .on_drained = [this] { drain(); }});
    wireguard::DeviceConfig config;
    config.private_key = key;
    config.limits = limits_;
    config.next_timestamp = [this] { return wireguard::to_tai64n(WallTime(Duration(++timestamp_))); };
    config.lanes = lanes_->others();
    device = std::make_unique<wireguard::Device>(config, random_, entropy_);
  }
  ~Node() { lanes_.reset(); }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void open() {
    auto socket = first.open_udp({});
    auto queue = first.open_tun_queue("");
    ASSERT_TRUE(socket && queue);
    sockets_.push_back(std::move(*socket));
    queue_ = std::move(*queue);
    sockets_[0]->start_receive([this](std::span<DatagramSlot> datagrams) {
      std::vector<PacketSlot> slots;
      io::for_each_datagram(0, datagrams, [&](const PacketSlot& slot) { slots.push_back(slot); });
      take(LanePacket::Kind::datagram, slots);
      drain();
    });
    queue_->start_receive([this](std::span<PacketSlot> packets) {
      take(by_control ? LanePacket::Kind::from_tun : LanePacket::Kind::inner, packets);
      drain();
    });
    ASSERT_TRUE(lanes_->open_sockets({Endpoint{}}));
    ASSERT_TRUE(lanes_->open_queues("tun"));
  }

  Time now() { return loop.clock().now(); }
  Endpoint endpoint(unsigned lane) { return lane == 0 ? first.endpoint : second.endpoint; }
  int host_end(unsigned lane) { return lane == 0 ? first.host_end.get() : second.host_end.get(); }
  LaneCounters counters() { return lanes_->counters(); }
  void set_by_control(bool on) {
    by_control = on;
    lanes_->set_by_control(on);
  }
  void turn() {
    loop.run_one(100us);
    device->handle_timeout(now());
    drain();
  }
  void drain() {
    while (auto out = device->poll_transmit()) {
      const auto size = static_cast<std::uint32_t>(out->bytes.size());
      outgoing_.add(sockets_, out->path, Ecn::not_ect, {out->bytes.data(), size, 0, size});
      outgoing_.flush(sockets_);
    }
    while (const auto event = device->poll_event()) {
      if (std::holds_alternative<wireguard::HandshakeCompleted>(*event)) ++handshakes;
    }
  }

 private:
  SeededRandom random_;
  test::SeededEntropy entropy_;

 public:
  crypto::PrivateKey key;
  IpAddress address;
  host::AsioLoop loop;

 private:
  host::AsioLane control_{loop, false};
  host::LaneThread thread_;

 public:
  TestLane first{control_, loop}, second{thread_.lane(), thread_.loop()};
  std::unique_ptr<wireguard::Device> device;
  int handshakes = 0;
  bool by_control = false;

 private:
  void take(LanePacket::Kind kind, std::span<PacketSlot> packets) {
    switch (kind) {
      case LanePacket::Kind::inner:
      case LanePacket::Kind::from_tun:
        device->seal(now(), packets);
        return send(packets);
      case LanePacket::Kind::sealed:
        return send(packets);
      case LanePacket::Kind::datagram:
        device->open(now(), packets);
        [[fallthrough]];
      case LanePacket::Kind::opened:
        for (auto& packet : packets) {
          if (packet.verdict == PacketVerdict::ready) queue_->write({&packet, 1});
        }
    }
  }
  void send(std::span<PacketSlot> packets) {
    for (const auto& packet : packets) {
      if (packet.verdict == PacketVerdict::ready) outgoing_.add(sockets_, packet.path, packet.ecn, packet.slot);
    }
    outgoing_.flush(sockets_);
  }

  wireguard::Limits limits_;
  std::int64_t timestamp_ = 0;
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;
  std::unique_ptr<io::TunQueue> queue_;
  io::OutgoingRun outgoing_;
  std::unique_ptr<LaneSet> lanes_;
};

class WrongLanes : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < kNodes; ++i) nodes_.push_back(std::make_unique<Node>(i));
    for (auto& node : nodes_) node->open();
    for (int i = 0; i < kNodes; ++i) {
      for (int k = 0; k < kNodes; ++k) {
        if (i != k) add(i, k);
      }
    }
    for (int i = 0; i < kNodes; ++i) aim(i);
    // Sessions, each begun by the lower number, and so renewed by it alone: packets under way are lost where both
    // begin.
    send_round([](int from, int to) { return from < to; });
    ASSERT_TRUE(arrives(kPatience));
  }

  Node& node(int i) { return *nodes_[static_cast<std::size_t>(i)]; }
  unsigned lane(int at, int peer) { return peers_[{at, peer}] % kLanes; }

  void add(int at, int peer) {
    wireguard::PeerConfig config;
    config.public_key = node(peer).key.public_key();
    config.allowed_ips = {Prefix::host(node(peer).address)};
    const auto id = node(at).device->add_peer(node(at).now(), config);
    ASSERT_TRUE(id);
    peers_[{at, peer}] = *id;
    node(at).drain();
  }
  /// All peers of `at` send to its sockets of the wrong lanes.
  void aim(int at) {
    for (int peer = 0; peer < kNodes; ++peer) {
      if (peer == at) continue;
      Node& sender = node(peer);
      const PathId path{.socket = 0, .relay = 0, .remote = node(at).endpoint(1 - lane(at, peer))};
      sender.device->set_path(sender.now(), peers_[{peer, at}], path);
      sender.drain();
    }
  }
  /// The peer is another one then, often of the other lane.
  void replace(int at, int peer) {
    node(at).device->remove_peer(peers_[{at, peer}]);
    node(at).drain();
    add(at, peer);
    aim(at);
    aim(peer);
  }

  /// A numbered packet from each host to each other, into the queue of the wrong lane.
  void send_round(const std::function<bool(int, int)>& wanted = [](int, int) { return true; }) {
    for (int i = 0; i < kNodes; ++i) {
      for (int k = 0; k < kNodes; ++k) {
        if (i == k || !wanted(i, k)) continue;
        ASSERT_TRUE(send(i, k));
      }
    }
  }
  /// False if the queue has no room.
  bool send(int from, int to) {
    const std::uint64_t number = sent_[{from, to}] + 1;
    const Bytes packet = test::make_udp4(node(from).address, node(to).address, std::to_string(number));
    const auto length = static_cast<ssize_t>(packet.size());
    if (::write(node(from).host_end(1 - lane(from, to)), packet.data(), packet.size()) != length) return false;
    sent_[{from, to}] = number;
    ++packets_;
    return true;
  }
  /// Each host reads what came: by the right lane, when that does not change, and each sender's numbers rising.
  void receive(bool lanes_fixed) {
    std::array<std::uint8_t, 2048> buffer;
    for (int k = 0; k < kNodes; ++k) {
      for (unsigned from = 0; from < kLanes; ++from) {
        ssize_t length = 0;
        while ((length = ::read(node(k).host_end(from), buffer.data(), buffer.size())) > 0) {
          const ByteView packet(buffer.data(), static_cast<std::size_t>(length));
          const int i = packet[15] - 1;
          const auto text = test::payload_of(packet);
          std::uint64_t number = 0;
          std::from_chars(text.data(), text.data() + text.size(), number);
          EXPECT_GT(number, (received_[{i, k}])) << i << " to " << k;
          if (lanes_fixed && !node(k).by_control) {
            EXPECT_EQ(from, lane(k, i)) << i << " to " << k;
          }
          received_[{i, k}] = number;
          ++arrived_;
        }
      }
    }
  }
  /// One round, and turns until all of it has arrived or `turns` are over; whether it has.
  bool exchange(int turns, bool lanes_fixed = true) {
    send_round();
    return arrives(turns, lanes_fixed);
  }
  bool arrives(int turns, bool lanes_fixed = true) {
    for (int turn = 0; turn < turns; ++turn) {
      for (auto& each : nodes_) each->turn();
      receive(lanes_fixed);
      if (received_ == sent_) return true;
      std::this_thread::yield();
    }
    return false;
  }
  int handshakes() const {
    int sum = 0;
    for (const auto& each : nodes_) sum += each->handshakes;
    return sum;
  }
  std::uint64_t replayed() {
    std::uint64_t sum = 0;
    for (const auto& each : nodes_)
      sum += each->device->counters().replayed_packets + each->counters().wireguard.replayed_packets;
    return sum;
  }
  std::uint64_t passed_on() {
    std::uint64_t sum = 0;
    for (const auto& each : nodes_) sum += each->counters().passed_on;
    return sum;
  }

  static constexpr int kPatience = 20'000;  // turns, of 0.1 to 3 ms

  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<std::pair<int, int>, wireguard::PeerId> peers_;
  std::map<std::pair<int, int>, std::uint64_t> sent_, received_;
  std::uint64_t packets_ = 0, arrived_ = 0;
};

TEST_F(WrongLanes, EveryPacketFindsItsLaneInOrderThroughRenewals) {
  const std::uint64_t before = passed_on();
  std::uint64_t rounds = 0;
  while (handshakes() < 120 || rounds < 500) {
    ASSERT_TRUE(exchange(kPatience)) << "round " << rounds << ", handshakes " << handshakes();
    ++rounds;
  }
  EXPECT_EQ(arrived_, packets_);
  EXPECT_EQ(replayed(), 0u);
  EXPECT_GE(passed_on() - before, rounds);
}

TEST_F(WrongLanes, PeersThatGoAndComeAgainOnOtherLanesAreServed) {
  for (int change = 0; change < 12; ++change) {
    exchange(3, false);  // packets are on their way everywhere
    replace(change % kNodes, (change + 1 + change / kNodes % (kNodes - 1)) % kNodes);
    bool done = false;
    for (int round = 0; round < 50 && !done; ++round) {  // what was on its way to the old one is lost
      done = exchange(200, false);
    }
    ASSERT_TRUE(done) << "change " << change;
  }
  EXPECT_EQ(replayed(), 0u);
}

TEST_F(WrongLanes, AllMayPassTheControlThreadForAWhile) {
  for (int round = 0; round < 60; ++round) {
    if (round % 10 == 0) {
      for (auto& each : nodes_) each->set_by_control(round % 20 == 0);
    }
    ASSERT_TRUE(exchange(kPatience)) << "round " << round;
  }
  EXPECT_EQ(replayed(), 0u);
}

// The control threads stand still while the other lanes have more for them than a ring holds.
TEST_F(WrongLanes, AFullRingDropsAndCountsAndTheRestArrives) {
  for (int i = 0; i < kNodes; ++i) {
    const int k = lane(i, (i + 1) % kNodes) == 0 ? (i + 1) % kNodes : (i + 2) % kNodes;
    ASSERT_EQ(lane(i, k), 0u);
    for (int tries = 0; node(i).counters().overflow == 0; ++tries) {
      ASSERT_LT(tries, 10'000'000);
      if (!send(i, k)) std::this_thread::yield();
    }
  }
  bool done = false;
  for (int round = 0; round < 50 && !done; ++round)
    done = exchange(200);  // the first ones may find the ring still full
  ASSERT_TRUE(done);
  EXPECT_LT(arrived_, packets_);
  EXPECT_EQ(replayed(), 0u);
}

}  // namespace
}  // namespace weft::agent
