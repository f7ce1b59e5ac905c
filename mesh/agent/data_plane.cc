// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/data_plane.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "mesh/agent/datagram_mux.h"
#include "mesh/agent/peer_carriers.h"
#include "mesh/agent/peer_table.h"
#include "mesh/agent/relay_links.h"
#include "mesh/inner/mss_clamp.h"
#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/stream.h"
#include "mesh/io/tun_device.h"

namespace weft::agent {

DataPlane::DataPlane(io::Host& host, wireguard::DeviceConfig config, Random& random)
    : host_(host),
      mtu_(config.mtu),
      device_(std::make_unique<wireguard::Device>(with_lanes(std::move(config)), random, host.entropy())),
      timer_(host, [this] {
        device_->handle_timeout(now());
        drain();
      }) {}

/// The lanes stop before what their packets lead to goes.
DataPlane::~DataPlane() { lanes_.reset(); }

wireguard::DeviceConfig DataPlane::with_lanes(wireguard::DeviceConfig config) {
  if (host_.lanes() == 1) return config;
  std::vector<io::Lane*> lanes;
  for (unsigned i = 0; i < host_.lanes(); ++i) lanes.push_back(host_.lane(i));
  lanes_ = std::make_unique<LaneSet>(
      std::move(lanes), config.mtu, config.limits,
      LaneSet::Handlers{
          .on_note = [this](const wireguard::LaneNote& note) { handle_note(note); },
          .on_packets = [this](LanePacket::Kind kind,
                               std::span<PacketSlot> packets) { handle_lane_packets(kind, packets); },
          .on_icmp = [this](std::uint16_t socket, const IcmpError& error) { mux_->receive_error(socket, error); },
          .on_stray = [this](const PathId& path) { handle_stray(path); },
          .on_drained = [this] { drain(); }});
  config.lanes = lanes_->others();
  return config;
}

Time DataPlane::now() const { return host_.clock().now(); }

void DataPlane::connect(DatagramMux& mux, RelayLinks& relays, PeerTable& peers, PeerCarriers& carriers,
                        std::function<void(const PathId&)> on_stray) {
  on_stray_ = std::move(on_stray);
  mux_ = &mux;
  relays_ = &relays;
  peers_ = &peers;
  carriers_ = &carriers;
}

Result<void> DataPlane::open_lanes() {
  return lanes_ ? lanes_->open_sockets(mux_->shared_addresses()) : Result<void>{};
}

/// Queues go before their device, and come after it.
Result<void> DataPlane::set_tun(std::unique_ptr<io::TunDevice> tun) {
  if (lanes_ && tun_) static_cast<void>(lanes_->open_queues({}));
  tun_ = std::move(tun);
  if (!tun_) return {};
  tun_->start_receive([this](std::span<PacketSlot> slots) { handle_packets(slots); });
  return lanes_ ? lanes_->open_queues(tun_->name()) : Result<void>{};
}

/// What of a lane's work is the control's: timers and sessions, and the path.
void DataPlane::handle_note(const wireguard::LaneNote& note) {
  device_->handle_note(now(), note);
  const bool active = note.needed || note.datagrams_sent > 0 || note.datagrams_received > 0;
  auto* link = active ? peers_->link(note.peer) : nullptr;
  if (!link) return;
  if (note.needed) link->need();
  if (note.datagrams_sent > 0) link->data_sent(note.datagrams_sent);
  if (note.largest_sent > 0) link->largest_sent(note.largest_sent);
  if (note.datagrams_received > 0) link->data_received(note.path, note.datagrams_received);
}

void DataPlane::handle_lane_packets(LanePacket::Kind kind, std::span<PacketSlot> packets) {
  switch (kind) {
    case LanePacket::Kind::inner:
      return seal_and_send(packets);
    case LanePacket::Kind::datagram:
      return mux_->receive_passed_on(packets);
    case LanePacket::Kind::from_tun:
      return handle_packets(packets);
    case LanePacket::Kind::sealed:
      return send_sealed(packets);
    case LanePacket::Kind::opened:
      return deliver(packets);
  }
}

/// What keeps a lane from going past the control thread: other lanes' packets are looked at as ours are.
bool DataPlane::by_control() const {
  return is_hub_ || translated_ || peers_->any_narrow() || peers_->any_duplicating();
}

DataPlane::Counters DataPlane::counters() const {
  Counters sum = counters_;
  const LaneCounters lanes = lane_counters();
  sum.to_tun += lanes.to_tun;
  sum.from_tun += lanes.from_tun;
  sum.tun_refused += lanes.tun_refused;
  sum.no_peer += lanes.no_peer;
  sum.no_path += lanes.no_path;
  sum.refused += lanes.refused;
  return sum;
}

void DataPlane::set_hub(std::optional<std::vector<IpAddress>> addresses) {
  is_hub_ = addresses.has_value();
  if (is_hub_) forwarder_.set_addresses(std::move(*addresses));
}

/// Packets that leave this host.
void DataPlane::handle_packets(std::span<PacketSlot> slots) {
  counters_.from_tun += slots.size();
  if (!peers_->any_narrow()) return seal_and_send(slots);
  fit(slots, [this](std::span<PacketSlot> answer) {
    if (tun_) tun_->write(answer);
  });
}

/// The way around for all packets while some path has less room than the TUN device. `back` leads to their senders.
void DataPlane::fit(std::span<PacketSlot> slots, const inner::PathFitter::Sink& back) {
  fitter_.fit(
      now(), slots, [this](const IpAddress& destination) { return inner_mtu(destination); },
      [this](std::span<PacketSlot> fitting) { seal_and_send(fitting); }, back);
}

/// 0: no bound is known.
std::size_t DataPlane::inner_mtu(const IpAddress& destination) const {
  const auto peer = device_->peer_for(destination);
  const auto* link = peer ? peers_->find(*peer) : nullptr;
  if (link && link->inner_mtu() != 0) return link->inner_mtu();
  return is_hub_ ? mtu_ : 0;
}

void DataPlane::write(std::span<PacketSlot> slots) {
  const std::size_t taken = tun_ && !slots.empty() ? tun_->write(slots) : 0;
  counters_.to_tun += taken;
  counters_.tun_refused += slots.size() - taken;
}

void DataPlane::forward(std::span<PacketSlot> slots) {
  forwarder_.forward(
      now(), slots, [this](const IpAddress& destination) { return device_->peer_for(destination); },
      [this](std::span<PacketSlot> inside) { write(inside); },
      [this](std::span<PacketSlot> onward) { forward_onward(onward); });
}

/// A spoke may have a larger MTU than this hub, so its packets are looked at too.
void DataPlane::forward_onward(std::span<PacketSlot> slots) {
  const auto too_long = [this](const PacketSlot& slot) { return slot.slot.length > mtu_; };
  if (!peers_->any_narrow() && std::ranges::none_of(slots, too_long)) return seal_and_send(slots);
  fit(slots, [this](std::span<PacketSlot> answer) { seal_and_send(answer); });
}

void DataPlane::seal_and_send(std::span<PacketSlot> slots) {
  device_->seal(now(), slots);
  send_sealed(slots);
  for (std::size_t i = 0; i < slots.size();) {
    const wireguard::PeerId peer = slots[i].peer;
    std::uint32_t sent = 0;
    std::size_t largest = 0;
    for (; i < slots.size() && slots[i].peer == peer; ++i) {
      if (slots[i].verdict == PacketVerdict::no_peer) ++counters_.no_peer;
      if (slots[i].verdict == PacketVerdict::no_path) ++counters_.no_path;
      if (slots[i].verdict != PacketVerdict::ready) continue;
      ++sent;
      largest = std::max<std::size_t>(largest, slots[i].slot.length);
    }
    auto* link = peer != 0 ? peers_->link(peer) : nullptr;
    if (!link) continue;
    link->need();
    if (sent == 0) continue;
    link->data_sent(sent);
    link->largest_sent(largest);
  }
  drain();
}

void DataPlane::send_sealed(std::span<PacketSlot> slots) {
  const PeerLink* link = nullptr;
  wireguard::PeerId last = 0;
  for (const auto& slot : slots) {
    if (slot.verdict != PacketVerdict::ready) continue;
    if (slot.path.relayed()) {
      relay(slot.path, slot.peer, slot.slot.bytes());
      if (!path::is_carried(slot.path)) continue;
    }
    if (slot.peer != last) link = peers_->find(last = slot.peer);
    if (link && link->duplicate()) relay(*link->duplicate(), slot.peer, slot.slot.bytes());
  }
  mux_->send(slots);
}

void DataPlane::relay(const PathId& path, wireguard::PeerId peer, ByteView datagram, bool sized) {
  if (path::is_carried(path)) {
    if (!carriers_->send(path, peer, datagram, sized)) ++counters_.relay_refused;
    return;
  }
  const auto* entry = peers_->entry(peer);
  if (!entry || !relays_->send(path.relay, entry->node_key, datagram, sized)) ++counters_.relay_refused;
}

void DataPlane::send(const OutgoingDatagram& datagram) {
  if (datagram.path.relayed()) return relay(datagram.path, datagram.peer, datagram.bytes, datagram.dont_fragment);
  mux_->send(datagram.path.socket, datagram.path.remote, datagram.bytes, datagram.ttl, datagram.dont_fragment);
}

/// A link is told once of datagrams that follow each other on one path: time stands still meanwhile.
void DataPlane::handle_datagrams(std::span<PacketSlot> slots) {
  if (is_hub_) {  // what goes on is sealed in its own place, with the next datagram right behind it
    for (auto& slot : slots) slot.slot.capacity = std::min(slot.slot.capacity, slot.slot.offset + slot.slot.length);
  }
  device_->open(now(), slots);
  std::size_t count = 0;
  wireguard::PeerId last = 0;
  PathId last_path;
  std::uint32_t run = 0;
  const auto tell = [&] {
    auto* link = run > 0 ? peers_->link(last) : nullptr;
    if (link) link->data_received(last_path, run);
    run = 0;
  };
  for (const auto& slot : slots) {
    if (slot.verdict != PacketVerdict::ready && slot.verdict != PacketVerdict::consumed) {
      ++counters_.refused;
      if (slot.verdict == PacketVerdict::no_peer) handle_stray(slot.path);
      continue;
    }
    if (slot.peer != last || slot.path != last_path) tell();
    last = slot.peer;
    last_path = slot.path;
    ++run;
    if (slot.verdict == PacketVerdict::ready) slots[count++] = slot;
  }
  tell();
  deliver(slots.first(count));
  drain();
}

/// What came out of the tunnel goes to the host, or on.
void DataPlane::deliver(std::span<PacketSlot> slots) {
  if (peers_->any_narrow()) clamp(slots);
  is_hub_ ? forward(slots) : write(slots);
}

/// Rarely, since anybody can send what no session opens.
void DataPlane::handle_stray(const PathId& from) {
  if (from.relayed() || (last_stray_ && now() - *last_stray_ < kStrayInterval)) return;
  last_stray_ = now();
  on_stray_(from);
}

/// What a peer's SYN announces is what our side will send: it has to fit our path to that peer.
void DataPlane::clamp(std::span<PacketSlot> slots) {
  for (auto& slot : slots) {
    const auto* link = peers_->find(slot.peer);
    if (link && link->inner_mtu() != 0) inner::clamp_mss(slot.slot.bytes(), link->inner_mtu());
  }
}

void DataPlane::handle_relayed(const PathId& from, ByteView datagram) {
  alignas(16) std::array<std::uint8_t, kSlotHeadRoom + relay::kMaxDatagram + kSlotTailRoom> arena;
  if (datagram.size() > relay::kMaxDatagram) return;
  std::memcpy(arena.data() + kSlotHeadRoom, datagram.data(), datagram.size());
  PacketSlot slot;
  slot.slot = {arena.data(), static_cast<std::uint32_t>(arena.size()), kSlotHeadRoom,
               static_cast<std::uint32_t>(datagram.size())};
  slot.path = from;
  handle_datagrams({&slot, 1});
}

void DataPlane::drain() {
  while (auto datagram = device_->poll_transmit()) {
    send(*datagram);
    if (auto* link = peers_->link(datagram->peer)) {
      if (link->duplicate() && !path::is_by_relay(datagram->path))
        relay(*link->duplicate(), datagram->peer, datagram->bytes);
      link->data_sent(1);
    }
  }
  while (device_->poll_event()) {
  }
  if (lanes_) lanes_->set_by_control(by_control());
  timer_.arm(device_->next_deadline());
}

}  // namespace weft::agent
