// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/lane_set.h"

#include <utility>

#include "mesh/base/assert.h"

namespace weft::agent {

io::PortSharing lane_sharing(unsigned lanes, bool first) {
  constexpr std::uint8_t kTransportData = 4, kReceiverIndex = 4;  // first byte; offset of the index's lowest byte
  return {.count = lanes, .first = first, .kind = kTransportData, .selector = kReceiverIndex};
}

LaneSet::LaneSet(std::vector<io::Lane*> lanes, std::size_t mtu, const wireguard::Limits& limits, Handlers handlers)
    : lanes_(std::move(lanes)),
      handlers_(std::move(handlers)),
      rings_(static_cast<unsigned>(lanes_.size())),
      workers_(lanes_.size()) {
  WEFT_ASSERT(count() > 1);
  rings_.lanes[0]->waker = lanes_[0]->make_waker([this] { drain(); });
  for (unsigned i = 1; i < count(); ++i) {
    io::Lane& lane = *lanes_[i];
    lane.call([&] {
      const wireguard::LaneConfig config{.mtu = mtu, .limits = limits, .number = i, .count = count()};
      workers_[i] = std::make_unique<LaneWorker>(lane, config, rings_);
    });
  }
}

/// All stop before any is destroyed, since each may wake any other.
LaneSet::~LaneSet() {
  for (unsigned i = 1; i < count(); ++i) lanes_[i]->call([this, i] { workers_[i]->stop(); });
  for (unsigned i = 1; i < count(); ++i) lanes_[i]->call([this, i] { workers_[i].reset(); });
}

wireguard::OtherLanes LaneSet::others() {
  return {.count = count(),
          .tell =
              [this](unsigned lane, wireguard::LaneOrder order) {
                rings_.lanes[lane]->orders.push(std::move(order));
                rings_.lanes[lane]->waker->wake();
              },
          .pass_on = [this](unsigned lane, wireguard::Astray kind,
                            const PacketSlot& slot) { return pass_on(lane, kind, slot); }};
}

bool LaneSet::pass_on(unsigned lane, wireguard::Astray kind, const PacketSlot& slot) {
  const bool inner = kind == wireguard::Astray::inner;
  if (!rings_.packets(0, lane).push(inner ? LanePacket::Kind::inner : LanePacket::Kind::datagram, slot)) {
    ++overflow_;
    return false;
  }
  ++passed_on_;
  rings_.lanes[lane]->waker->wake();
  return true;
}

/// Runs `task` on the thread of each lane until one fails.
Result<void> LaneSet::on_each(const std::function<Result<void>(unsigned lane)>& task) {
  Result<void> done;
  for (unsigned i = 1; done && i < count(); ++i) {
    lanes_[i]->call([&] { done = task(i); });
  }
  return done;
}

Result<void> LaneSet::open_sockets(const std::vector<Endpoint>& addresses) {
  std::vector<io::UdpOptions> options;
  for (const Endpoint& address : addresses)
    options.push_back({.local = address, .sharing = lane_sharing(count(), false)});
  return on_each([&](unsigned lane) { return workers_[lane]->open_sockets(options); });
}

Result<void> LaneSet::open_queues(const std::string& device) {
  return on_each([&](unsigned lane) -> Result<void> {
    workers_[lane]->close_queue();
    return device.empty() ? Result<void>{} : workers_[lane]->open_queue(device);
  });
}

void LaneSet::set_by_control(bool on) { rings_.by_control.store(on, std::memory_order_relaxed); }

void LaneSet::drain() {
  struct Take {
    const Handlers& handlers;
    void operator()(const wireguard::LaneNote& note) const { handlers.on_note(note); }
    void operator()(const IcmpSeen& seen) const { handlers.on_icmp(seen.socket, seen.error); }
    void operator()(const StraySeen& seen) const { handlers.on_stray(seen.path); }
  };
  for (unsigned i = 1; i < count(); ++i) {
    LaneRings::Lane& lane = *rings_.lanes[i];
    const bool wants_room =
        lane.reports.drain([this](const LaneReport& report) { std::visit(Take{handlers_}, report); });
    rings_.packets(i, 0).drain(
        [this](LanePacket::Kind kind, std::span<PacketSlot> packets) { handlers_.on_packets(kind, packets); });
    lane.orders.flush();
    if (wants_room) lane.waker->wake();
  }
  handlers_.on_drained();
}

LaneCounters LaneSet::counters() const {
  LaneCounters sum;
  for (unsigned i = 1; i < count(); ++i) {
    const LaneCounters one = rings_.lanes[i]->counters.read();
    sum.received += one.received;
    sum.sent += one.sent;
    sum.send_failed += one.send_failed;
    sum.from_tun += one.from_tun;
    sum.to_tun += one.to_tun;
    sum.tun_refused += one.tun_refused;
    sum.refused += one.refused;
    sum.no_peer += one.no_peer;
    sum.no_path += one.no_path;
    sum.passed_on += one.passed_on;
    sum.overflow += one.overflow;
    sum.wireguard.packets_sealed += one.wireguard.packets_sealed;
    sum.wireguard.packets_opened += one.wireguard.packets_opened;
    sum.wireguard.replayed_packets += one.wireguard.replayed_packets;
    sum.wireguard.bad_tag += one.wireguard.bad_tag;
    sum.wireguard.unknown_index += one.wireguard.unknown_index;
  }
  sum.overflow += overflow_;
  sum.passed_on += passed_on_;
  return sum;
}

}  // namespace weft::agent
