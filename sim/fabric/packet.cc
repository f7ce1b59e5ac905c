// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/packet.h"

#include "sim/fabric/router.h"

namespace weft::fabric {

void Packet::approach(unsigned step) const { router_.approach(*this, step); }

void Packet::Notify() { router_.step(*this); }

PacketPool::~PacketPool() {
  for (Packet* packet : all_) packet->Unref();
}

Packet& PacketPool::take() {
  if (free_.empty()) {
    all_.push_back(new Packet(router_));
    all_.back()->bytes.reserve(256);
    return *all_.back();
  }
  Packet& packet = *free_.back();
  free_.pop_back();
  packet.from_inside = false;
  packet.may_fragment = false;
  packet.reason = DropReason::none;
  return packet;
}

}  // namespace weft::fabric
