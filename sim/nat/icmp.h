// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "sim/nat/packet.h"

namespace weft::nat {

/// "Time exceeded in transit" about `packet` (RFC 792, RFC 4443 §3.3), from `reporter` to the packet's source.
Bytes time_exceeded(const Packet& packet, const IpAddress& reporter);
/// "Port unreachable" about `packet` (RFC 792, RFC 4443 §3.1), from `reporter` to the packet's source.
Bytes port_unreachable(const Packet& packet, const IpAddress& reporter);
/// "Communication administratively prohibited" about `packet` (RFC 1812 §5.2.7.1, RFC 4443 §3.1), from `reporter` to
/// the packet's source.
Bytes prohibited(const Packet& packet, const IpAddress& reporter);
/// "Fragmentation needed" (RFC 1191 §4) or "packet too big" (RFC 4443 §3.2) about `packet`, for a link of `mtu` bytes.
Bytes packet_too_big(const Packet& packet, const IpAddress& reporter, std::uint32_t mtu);
/// The RST that a host without a listener gives to the segment in `packet` (RFC 9293 §3.10.7.1). Only for TCP without
/// RST.
Bytes tcp_reset(const Packet& packet);

}  // namespace weft::nat
