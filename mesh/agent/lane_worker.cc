// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/lane_worker.h"

#include <algorithm>
#include <utility>

#include "mesh/agent/datagram_mux.h"
#include "mesh/io/clock.h"
#include "mesh/io/tun_device.h"

namespace weft::agent {

LaneWorker::LaneWorker(io::Lane& host, wireguard::LaneConfig config, LaneRings& rings)
    : host_(host),
      rings_(rings),
      mine_(*rings.lanes[config.number]),
      number_(config.number),
      lane_(config, no_router_, counters_.wireguard, *this),
      to_wake_(rings.count) {
  mine_.waker = host_.make_waker([this] { serve(); });
}

/// The rings' waker goes first: nothing calls serve() any more.
LaneWorker::~LaneWorker() { mine_.waker.reset(); }

Time LaneWorker::now() const { return host_.clock().now(); }

Result<void> LaneWorker::open_sockets(std::span<const io::UdpOptions> options) {
  for (const auto& each : options) {
    auto socket = host_.open_udp(each);
    if (!socket) return std::unexpected(socket.error());
    const auto index = static_cast<std::uint16_t>(sockets_.size());
    sockets_.push_back(std::move(*socket));
    sockets_.back()->start_receive([this, index](std::span<DatagramSlot> slots) { from_socket(index, slots); });
  }
  return {};
}

Result<void> LaneWorker::open_queue(const std::string& device) {
  auto queue = host_.open_tun_queue(device);
  if (!queue) return std::unexpected(queue.error());
  queue_ = std::move(*queue);
  queue_->start_receive([this](std::span<PacketSlot> packets) { from_tun(packets); });
  return {};
}

void LaneWorker::close_queue() { queue_.reset(); }

void LaneWorker::stop() {
  stopped_ = true;
  sockets_.clear();
  queue_.reset();
}

/// Something is in a ring.
void LaneWorker::serve() {
  if (stopped_) return;
  obey();
  for (unsigned from = 0; from < rings_.count; ++from) {
    rings_.packets(from, number_).drain([this](LanePacket::Kind kind, std::span<PacketSlot> packets) {
      obey();  // what was told before these were passed on
      kind == LanePacket::Kind::inner ? seal(packets) : open(packets);
    });
  }
  finish();
}

/// Before each batch: what the control has told is older than the packets that depend on it.
void LaneWorker::obey() {
  const bool wants_room =
      mine_.orders.drain([this](wireguard::LaneOrder& order) { lane_.obey(now(), std::move(order)); });
  if (wants_room) to_wake_[0] = true;
}

void LaneWorker::from_tun(std::span<PacketSlot> packets) {
  obey();
  counters_.from_tun += packets.size();
  if (rings_.by_control.load(std::memory_order_relaxed)) {
    for (const auto& packet : packets) push(0, LanePacket::Kind::from_tun, packet);
  } else {
    seal(packets);
  }
  finish();
}

void LaneWorker::from_socket(std::uint16_t socket, std::span<DatagramSlot> datagrams) {
  obey();
  for (const DatagramSlot& item : datagrams) {
    if (item.meta.icmp) mine_.reports.push(IcmpSeen{socket, *item.meta.icmp}), to_wake_[0] = true;
  }
  io::for_each_datagram(socket, datagrams, [this](const PacketSlot& datagram) { sort(datagram); });
  open(incoming_.take());
  finish();
}

/// All but data is the control thread's.
void LaneWorker::sort(const PacketSlot& datagram) {
  ++counters_.received;
  const ByteView bytes = datagram.slot.bytes();
  if (classify(bytes) != DatagramKind::wireguard || bytes[0] != 4) {
    push(0, LanePacket::Kind::datagram, datagram);
    return;
  }
  if (incoming_.full()) open(incoming_.take());
  incoming_.add(datagram);
}

void LaneWorker::seal(std::span<PacketSlot> packets) {
  lane_.seal(now(), packets);
  send_sealed(packets);
  for (const PacketSlot& packet : packets) {
    if (packet.verdict == PacketVerdict::no_peer) ++counters_.no_peer;
    if (packet.verdict == PacketVerdict::no_path) ++counters_.no_path;
    if (packet.peer == 0 || packet.peer % rings_.count != number_) continue;
    wireguard::LaneNote& note = of(packet.peer);
    note.needed = true;
    if (packet.verdict != PacketVerdict::ready) continue;
    ++note.datagrams_sent;
    note.largest_sent = std::max(note.largest_sent, packet.slot.length);
  }
}

bool LaneWorker::is_mine(const PathId& path) const {
  return !path.relayed() && path.socket < sockets_.size() && !rings_.by_control.load(std::memory_order_relaxed);
}

void LaneWorker::send_sealed(std::span<PacketSlot> packets) {
  for (const PacketSlot& packet : packets) {
    if (packet.verdict != PacketVerdict::ready) continue;
    if (is_mine(packet.path)) {
      outgoing_.add(sockets_, packet.path, packet.ecn, packet.slot);
    } else {
      push(0, LanePacket::Kind::sealed, packet);
    }
  }
  outgoing_.flush(sockets_);
}

void LaneWorker::open(std::span<PacketSlot> datagrams) {
  if (datagrams.empty()) return;
  lane_.open(now(), datagrams);
  std::size_t ready = 0;
  for (const PacketSlot& datagram : datagrams) {
    if (datagram.verdict != PacketVerdict::ready && datagram.verdict != PacketVerdict::consumed) {
      ++counters_.refused;
      if (datagram.verdict == PacketVerdict::no_peer) stray(datagram.path);
      continue;
    }
    if (datagram.peer != 0) ++of(datagram.peer).datagrams_received;
    if (datagram.verdict == PacketVerdict::ready) datagrams[ready++] = datagram;
  }
  const auto packets = datagrams.first(ready);
  if (rings_.by_control.load(std::memory_order_relaxed)) {
    for (const auto& packet : packets) push(0, LanePacket::Kind::opened, packet);
    return;
  }
  const std::size_t taken = queue_ && !packets.empty() ? queue_->write(packets) : 0;
  counters_.to_tun += taken;
  counters_.tun_refused += packets.size() - taken;
}

/// Rarely, since anybody can send what no session opens.
void LaneWorker::stray(const PathId& path) {
  if (path.relayed() || (last_stray_ && now() - *last_stray_ < kStrayInterval)) return;
  last_stray_ = now();
  mine_.reports.push(StraySeen{path});
  to_wake_[0] = true;
}

void LaneWorker::send(wireguard::PeerId peer, const PathId& path, Bytes message) {
  PacketSlot packet;
  const auto size = static_cast<std::uint32_t>(message.size());
  packet.slot = {message.data(), size, 0, size};
  packet.path = path;
  packet.peer = peer;
  packet.verdict = PacketVerdict::ready;
  send_sealed({&packet, 1});
  ++of(peer).datagrams_sent;
}

PacketVerdict LaneWorker::handshake(Time, wireguard::MessageType, const PacketSlot& slot) {
  return push(0, LanePacket::Kind::datagram, slot) ? PacketVerdict::consumed : PacketVerdict::overflow;
}

bool LaneWorker::pass_on(unsigned lane, wireguard::Astray kind, const PacketSlot& slot) {
  return push(lane, kind == wireguard::Astray::inner ? LanePacket::Kind::inner : LanePacket::Kind::datagram, slot);
}

bool LaneWorker::push(unsigned lane, LanePacket::Kind kind, const PacketSlot& packet) {
  if (!rings_.packets(number_, lane).push(kind, packet)) return ++counters_.overflow, false;
  ++counters_.passed_on;
  to_wake_[lane] = true;
  return true;
}

/// After each batch: what is to be told is told.
void LaneWorker::finish() {
  lane_.bury();
  for (auto& note : notes()) {
    mine_.reports.push(std::move(note), [](std::deque<LaneReport>& waiting, LaneReport& item) {
      auto& later = std::get<wireguard::LaneNote>(item);
      for (auto& each : waiting) {
        auto* const earlier = std::get_if<wireguard::LaneNote>(&each);
        if (earlier == nullptr || earlier->peer != later.peer) continue;
        wireguard::merge(*earlier, std::move(later));
        return true;
      }
      return false;
    });
    to_wake_[0] = true;
  }
  clear();
  mine_.reports.flush();
  counters_.sent = outgoing_.counters().sent;
  counters_.send_failed = outgoing_.counters().failed;
  mine_.counters.publish(counters_);
  for (unsigned lane = 0; lane < rings_.count; ++lane) {
    if (to_wake_[lane]) rings_.lanes[lane]->waker->wake();
    to_wake_[lane] = false;
  }
}

}  // namespace weft::agent
