// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/ip.h"
#include "mesh/base/packet.h"

namespace weft::wireguard {

/// What a tunnel reads of the packets it carries.
struct InnerPacket {
  IpAddress source;
  IpAddress destination;
  std::size_t length = 0;  // by the header; padding may follow
  Ecn ecn = Ecn::not_ect;
};

/// nullopt unless `bytes` begin with a whole IPv4 or IPv6 packet.
std::optional<InnerPacket> parse_inner(ByteView bytes);

/// The mark of a packet that leaves the tunnel, from the inner and the outer mark (RFC 6040 §4.2); nullopt: it must be
/// dropped, since a router has marked what never asked for marks.
std::optional<Ecn> decapsulated_ecn(Ecn inner, Ecn outer);
/// Writes the mark into a packet that parse_inner() has accepted, and mends the IPv4 header checksum (RFC 1624).
void set_ecn(MutableByteView packet, Ecn ecn);

}  // namespace weft::wireguard
