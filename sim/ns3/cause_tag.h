// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/packet.h>
#include <ns3/ptr.h>

#include <cstdint>

namespace weft::stack {

/// The event of the trace (sim/trace) in which a packet took part last, carried through ns-3's stack and devices as a
/// packet tag.
void set_cause(ns3::Ptr<const ns3::Packet> packet, std::uint64_t cause);
/// 0: none.
std::uint64_t cause_of(const ns3::Packet& packet);

}  // namespace weft::stack
