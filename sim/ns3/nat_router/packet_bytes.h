// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/packet.h>
#include <ns3/ptr.h>

#include "mesh/base/bytes.h"

namespace weft::stack {

ns3::Ptr<ns3::Packet> make_packet(ByteView bytes);
Bytes bytes_of(const ns3::Packet& packet);

/// Which tags outlive the making of new bytes.
enum class Tags { cause, all };
/// Copies what observers have hung on a packet to the packet of other bytes that takes its place: the cause in the
/// trace, and FlowMonitor's mark, with the addresses of the new IPv4 header, by which FlowMonitor knows its own.
void carry_tags(const ns3::Packet& from, ns3::Ptr<ns3::Packet> to, Tags which = Tags::all);

}  // namespace weft::stack
