// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "mesh/base/assert.h"
#include "mesh/wireguard/inner_packet.h"
#include "mesh/wireguard/lane.h"

namespace weft::wireguard {

/// Headers and counters in the order of the slots, then the cipher once per keypair.
void Lane::seal(Time now, std::span<PacketSlot> slots) {
  PendingBatch batch;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    batch[i] = {};
    slots[i].verdict = prepare_seal(now, slots[i], batch[i]);
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (batch[i].keypair != nullptr) seal_group(now, slots, batch, i);
  }
}

PacketVerdict Lane::prepare_seal(Time now, PacketSlot& slot, Pending& pending) {
  Slot& window = slot.slot;
  WEFT_ASSERT(window.head_room() >= kTransportHeaderSize && window.tail_room() >= kTagSize);
  const bool whole = slot.offload.segmentation == PacketOffload::Segmentation::none && !slot.offload.needs_checksum;
  const auto inner = whole ? parse_inner(window.bytes()) : std::nullopt;
  if (!inner) return ++counters_.malformed, PacketVerdict::malformed;

  const auto owner = router_->allowed_ips.lookup(inner->destination);
  if (!owner) return ++counters_.no_peer, PacketVerdict::no_peer;
  slot.peer = *owner;
  slot.ecn = inner->ecn;
  window.length = static_cast<std::uint32_t>(inner->length);
  if (const unsigned lane = lane_of(*owner); lane != config_.number) return pass_on(lane, Astray::inner, slot);
  LanePeer* const peer = find(*owner);
  Keypair* const keypair = peer == nullptr ? nullptr : sending_keypair(now, *peer);
  if (keypair == nullptr) {
    stage(now, find_or_make(*owner), window.bytes());
    return PacketVerdict::staged;
  }
  if (!peer->path) return ++counters_.no_path, PacketVerdict::no_path;

  const std::size_t room = inner->length + window.tail_room() - kTagSize;
  const std::size_t padded = std::min(padded_size(inner->length, config_.mtu), room);
  std::fill_n(window.data() + inner->length, padded - inner->length, std::uint8_t{0});
  window.length = static_cast<std::uint32_t>(padded + kTagSize);
  window.advance(-static_cast<std::int32_t>(kTransportHeaderSize));
  slot.path = *peer->path;
  pending = {peer, keypair, keypair->send_counter++};
  write_transport_header(window.data(), {keypair->remote_index, pending.counter});
  return PacketVerdict::ready;
}

void Lane::seal_group(Time now, std::span<PacketSlot> slots, PendingBatch& batch, std::size_t first) {
  const PeerId peer = batch[first].peer->id;
  Keypair* const keypair = batch[first].keypair;
  std::array<crypto::AeadItem, kMaxBatch> items;
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (std::size_t i = first; i < slots.size(); ++i) {
    if (batch[i].keypair != keypair) continue;
    const Slot& window = slots[i].slot;
    items[count++] = {.counter = batch[i].counter,
                      .data = window.data() + kTransportHeaderSize,
                      .length = window.length - kTransportHeaderSize - kTagSize};
    bytes += window.length;
    batch[i].keypair = nullptr;
  }
  keypair->sending.seal({items.data(), count});
  counters_.packets_sealed += count;
  reports_.sealed(now, peer, {keypair->local_index, keypair->send_counter, bytes, true});
}

}  // namespace weft::wireguard
