// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "mesh/wireguard/inner_packet.h"
#include "mesh/wireguard/lane.h"

namespace weft::wireguard {

/// Packets wait for the cipher, which runs once per keypair; a handshake message in between is taken in its turn.
void Lane::open(Time now, std::span<PacketSlot> slots) {
  PendingBatch batch;
  std::ranges::fill(batch, Pending{});
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto type = message_type(slots[i].slot.bytes());
    if (!type) {
      ++counters_.malformed;
      slots[i].verdict = PacketVerdict::malformed;
    } else if (*type == MessageType::transport_data) {
      slots[i].verdict = prepare_open(now, slots[i], batch[i]);
    } else {
      open_pending(now, slots.first(i), batch);
      slots[i].verdict = reports_.handshake(now, *type, slots[i]);
    }
  }
  open_pending(now, slots, batch);
  bury();
}

PacketVerdict Lane::prepare_open(Time now, const PacketSlot& slot, Pending& pending) {
  const auto header = parse_transport(slot.slot.bytes());
  const unsigned lane = lane_of(header->receiver_index);
  if (lane != config_.number) return pass_on(lane, Astray::datagram, slot);
  const SessionTable::Entry* const entry = sessions_.find(header->receiver_index);
  if (entry == nullptr) return ++counters_.unknown_index, PacketVerdict::no_peer;
  if (!entry->keypair->may_receive(now, header->counter, config_.limits)) {
    return ++counters_.expired, PacketVerdict::expired;
  }
  if (!entry->keypair->window.acceptable(header->counter)) {
    return ++counters_.replayed_packets, PacketVerdict::replayed;
  }
  pending = {entry->peer, entry->keypair, header->counter};
  return PacketVerdict::pending;
}

void Lane::open_pending(Time now, std::span<PacketSlot> slots, PendingBatch& batch) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (batch[i].keypair != nullptr) open_group(now, slots, batch, i);
  }
}

void Lane::open_group(Time now, std::span<PacketSlot> slots, PendingBatch& batch, std::size_t first) {
  LanePeer& peer = *batch[first].peer;
  Keypair* const keypair = batch[first].keypair;
  std::array<crypto::AeadItem, kMaxBatch> items;
  std::array<PacketSlot*, kMaxBatch> members;
  std::size_t count = 0;
  for (std::size_t i = first; i < slots.size(); ++i) {
    if (batch[i].keypair != keypair) continue;
    const Slot& window = slots[i].slot;
    items[count] = {.counter = batch[i].counter,
                    .data = window.data() + kTransportHeaderSize,
                    .length = window.length - kTransportHeaderSize - kTagSize};
    members[count++] = &slots[i];
    batch[i].keypair = nullptr;
  }
  keypair->receiving.open({items.data(), count});

  std::size_t bytes = 0;
  bool data = false;
  PathId last_path;
  for (std::size_t i = 0; i < count; ++i) {
    PacketSlot& slot = *members[i];
    slot.peer = peer.id;
    if (!items[i].ok) {
      ++counters_.bad_tag;
      slot.verdict = PacketVerdict::bad_tag;
    } else if (!keypair->window.accept(items[i].counter)) {
      ++counters_.replayed_packets;
      slot.verdict = PacketVerdict::replayed;
    } else {
      bytes += slot.slot.length;
      data = data || items[i].length > 0;
      last_path = slot.path;
      slot.verdict = accept_content(peer.id, slot);
    }
  }
  if (bytes > 0) authenticated(now, peer, *keypair, last_path, bytes, data);
}

void Lane::authenticated(Time now, LanePeer& peer, const Keypair& keypair, const PathId& path, std::size_t bytes,
                         bool data) {
  reports_.received(now, peer.id, path, bytes);
  if (peer.keypairs.confirm(&keypair)) {
    tell_retired();
    reports_.confirmed(now, peer.id, keypair.local_index, path);
    flush(now, peer);
  }
  reports_.opened(now, peer.id, data);
}

/// Header and tag off; then cryptokey routing and the outer mark.
PacketVerdict Lane::accept_content(PeerId peer, PacketSlot& slot) {
  Slot& window = slot.slot;
  window.advance(kTransportHeaderSize);
  window.length -= kTagSize;
  slot.offload = {};
  if (window.length == 0) return ++counters_.keepalives_received, PacketVerdict::consumed;
  const auto inner = parse_inner(window.bytes());
  const auto ecn = inner ? decapsulated_ecn(inner->ecn, slot.ecn) : std::nullopt;
  if (!ecn) return ++counters_.malformed, PacketVerdict::malformed;
  if (router_->allowed_ips.lookup(inner->source) != peer) return ++counters_.bad_source, PacketVerdict::bad_source;
  window.length = static_cast<std::uint32_t>(inner->length);
  if (*ecn != inner->ecn) set_ecn(window.bytes(), *ecn);
  ++counters_.packets_opened;
  return PacketVerdict::ready;
}

}  // namespace weft::wireguard
