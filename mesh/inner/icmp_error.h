// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft::inner {

/// One message of ICMP and its counterpart of ICMPv6.
struct IcmpErrorKind {
  std::uint8_t type4 = 0, code4 = 0, type6 = 0, code6 = 0;
};

/// An ICMP error about `packet` from `reporter`, an address of its family; `field` is the word behind the checksum.
/// nullopt for what must not be answered: ICMP errors, fragments other than the first, multicast and broken packets
/// (RFC 1122 §3.2.2, RFC 4443 §2.4).
std::optional<Bytes> icmp_error(ByteView packet, const IcmpErrorKind& kind, const IpAddress& reporter,
                                std::uint32_t field);

}  // namespace weft::inner
