// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/inner/forwarder.h"

#include <algorithm>
#include <array>

#include "mesh/base/assert.h"
#include "mesh/inner/icmp_error.h"
#include "mesh/inner/layout.h"

namespace weft::inner {
namespace {

constexpr std::size_t kTtl = 8, kHopLimit = 7, kChecksum = 10;
constexpr IcmpErrorKind kTimeExceeded{.type4 = 11, .code4 = 0, .type6 = 3, .code6 = 0};

/// False if this was the last hop; the packet is then as before.
bool count_hop(MutableByteView packet, const Layout& layout) {
  std::uint8_t& left = packet[layout.v4 ? kTtl : kHopLimit];
  if (left <= 1) return false;
  --left;
  if (!layout.v4) return true;
  // RFC 1624 §3, eqn. 3: the word that holds the TTL has become 0x0100 less.
  std::uint32_t sum = static_cast<std::uint16_t>(~load_u16be(&packet[kChecksum])) + 0xFEFFu;
  sum = (sum & 0xFFFF) + (sum >> 16);
  const auto checksum = static_cast<std::uint16_t>(~sum);
  packet[kChecksum] = static_cast<std::uint8_t>(checksum >> 8);
  packet[kChecksum + 1] = static_cast<std::uint8_t>(checksum);
  return true;
}

}  // namespace

void Forwarder::forward(Time now, std::span<PacketSlot> packets, const PeerFor& peer_for, const Sink& inside,
                        const Sink& onward) {
  WEFT_ASSERT(packets.size() <= kMaxBatch);
  std::array<PacketSlot, kMaxBatch> ours, theirs;
  std::array<const PacketSlot*, kMaxBatch> spent;
  std::size_t for_us = 0, for_peers = 0, expired = 0;
  for (PacketSlot& packet : packets) {
    const MutableByteView bytes = packet.slot.bytes();
    const auto layout = layout_of(bytes);
    const auto peer = layout ? peer_for(destination_of(bytes, *layout)) : std::nullopt;
    if (!peer) {
      ours[for_us++] = packet;
    } else if (*peer == packet.peer) {
      ++counters_.returned;
    } else if (count_hop(bytes, *layout)) {
      theirs[for_peers++] = packet;
    } else {
      spent[expired++] = &packet;
    }
  }
  counters_.forwarded += for_peers;
  counters_.expired += expired;
  if (for_us > 0) inside(std::span(ours).first(for_us));
  if (for_peers > 0) onward(std::span(theirs).first(for_peers));
  for (std::size_t i = 0; i < expired; ++i) answer(now, spent[i]->slot.bytes(), onward);
}

void Forwarder::answer(Time now, ByteView packet, const Sink& onward) {
  const IpFamily family = layout_of(packet)->v4 ? IpFamily::v4 : IpFamily::v6;
  const auto own = std::ranges::find(addresses_, family, &IpAddress::family);
  if (own == addresses_.end() || !answers_.take(now)) return;
  const auto message = icmp_error(packet, kTimeExceeded, *own, 0);
  if (!message) return;
  ++counters_.answered;
  const auto length = static_cast<std::uint32_t>(message->size());
  Bytes arena(kSlotHeadRoom + length + kSlotTailRoom);
  std::ranges::copy(*message, arena.begin() + kSlotHeadRoom);
  PacketSlot back;
  back.slot = {arena.data(), static_cast<std::uint32_t>(arena.size()), kSlotHeadRoom, length};
  onward({&back, 1});
}

}  // namespace weft::inner
