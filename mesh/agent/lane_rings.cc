// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/lane_rings.h"

#include <algorithm>
#include <bit>

namespace weft::agent {

bool PacketRing::push(LanePacket::Kind kind, const PacketSlot& packet) {
  LanePacket* const place = ring_.claim();
  const std::size_t length = packet.slot.length;
  if (place == nullptr || kSlotHeadRoom + length + kSlotTailRoom > kRoom) return false;
  std::uint8_t* const arena = place->packet.slot.arena;
  place->kind = kind;
  place->packet = packet;
  place->packet.slot = {arena, static_cast<std::uint32_t>(kRoom), static_cast<std::uint32_t>(kSlotHeadRoom),
                        packet.slot.length};
  std::copy_n(packet.slot.data(), length, arena + kSlotHeadRoom);
  ring_.publish();
  return true;
}

void PublishedCounters::publish(const LaneCounters& counters) {
  const auto now = std::bit_cast<std::array<std::uint64_t, kCount>>(counters);
  for (std::size_t i = 0; i < kCount; ++i) values_[i].store(now[i], std::memory_order_relaxed);
}

LaneCounters PublishedCounters::read() const {
  std::array<std::uint64_t, kCount> now;
  for (std::size_t i = 0; i < kCount; ++i) now[i] = values_[i].load(std::memory_order_relaxed);
  return std::bit_cast<LaneCounters>(now);
}

LaneRings::LaneRings(unsigned number) : count(number) {
  for (unsigned i = 0; i < count; ++i) lanes.push_back(std::make_unique<Lane>());
  for (unsigned i = 0; i < count * count; ++i) packets_.push_back(std::make_unique<PacketRing>());
}

}  // namespace weft::agent
