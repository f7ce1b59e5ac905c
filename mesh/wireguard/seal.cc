// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "mesh/base/assert.h"
#include "mesh/wireguard/device_impl.h"
#include "mesh/wireguard/inner_packet.h"

namespace weft::wireguard {

/// Headers and counters in the order of the slots, then the cipher once per keypair.
void Device::Impl::seal(Time now, std::span<PacketSlot> slots) {
  PendingBatch batch;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    batch[i] = {};
    slots[i].verdict = prepare_seal(now, slots[i], batch[i]);
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (batch[i].keypair != nullptr) seal_group(now, slots, batch, i);
  }
}

PacketVerdict Device::Impl::prepare_seal(Time now, PacketSlot& slot, Pending& pending) {
  Slot& window = slot.slot;
  WEFT_ASSERT(window.head_room() >= kTransportHeaderSize && window.tail_room() >= kTagSize);
  const bool whole = slot.offload.segmentation == PacketOffload::Segmentation::none && !slot.offload.needs_checksum;
  const auto inner = whole ? parse_inner(window.bytes()) : std::nullopt;
  if (!inner) return ++shared.counters.malformed, PacketVerdict::malformed;

  const auto owner = allowed_ips.lookup(inner->destination);
  if (!owner) return ++shared.counters.no_peer, PacketVerdict::no_peer;
  Known& known = *find(*owner);
  slot.peer = *owner;
  slot.ecn = inner->ecn;
  window.length = static_cast<std::uint32_t>(inner->length);
  Peer* const peer = known.live.get();
  Keypair* const keypair = peer == nullptr ? nullptr : peer->sending_keypair(now);
  if (keypair == nullptr) {
    Peer& woken = wake(now, known);
    woken.stage(now, window.bytes());
    reschedule(woken);
    return PacketVerdict::staged;
  }
  if (!known.facts.path) return ++shared.counters.no_path, PacketVerdict::no_path;

  const std::size_t room = inner->length + window.tail_room() - kTagSize;
  const std::size_t padded = std::min(padded_size(inner->length, shared.config.mtu), room);
  std::fill_n(window.data() + inner->length, padded - inner->length, std::uint8_t{0});
  window.length = static_cast<std::uint32_t>(padded + kTagSize);
  window.advance(-static_cast<std::int32_t>(kTransportHeaderSize));
  slot.path = *known.facts.path;
  pending = {peer, keypair, keypair->send_counter++};
  write_transport_header(window.data(), {keypair->remote_index, pending.counter});
  return PacketVerdict::ready;
}

void Device::Impl::seal_group(Time now, std::span<PacketSlot> slots, PendingBatch& batch, std::size_t first) {
  Peer* const peer = batch[first].peer;
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
  shared.counters.packets_sealed += count;
  peer->packets_sealed(now, bytes);
  reschedule(*peer);
}

}  // namespace weft::wireguard
