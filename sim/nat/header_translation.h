// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>

#include "sim/nat/packet.h"

namespace weft::nat {

/// The same UDP, TCP or ICMP echo packet, or a later fragment of one, in the other IP version (RFC 7915), between other
/// endpoints. `identification` is for an IPv4 header that may be fragmented and has none from a fragment header
/// (§5.1). nullopt: there is no counterpart (an ICMP message in fragments, a first fragment of UDP without checksum).
std::optional<Bytes> translate_header(const Packet& packet, const Endpoint& source, const Endpoint& destination,
                                      std::uint16_t identification);

/// The ICMP error `packet`, which quotes `quoted`, in the other IP version (RFC 7915 §4.2, §5.2): the message from
/// `reporter` to the quoted packet's sender, the quotation between the endpoints given. nullopt: the type and code have
/// no counterpart.
std::optional<Bytes> translate_icmp_error(const Packet& packet, const Packet& quoted, const IpAddress& reporter,
                                          const Endpoint& quoted_source, const Endpoint& quoted_destination);

}  // namespace weft::nat
