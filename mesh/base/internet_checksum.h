// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft {

/// The ones' complement sum of RFC 1071 over big-endian 16-bit words, folded, on top of `start`; an odd last byte is
/// the high half of a word. The Internet checksum is its complement; over data with a right checksum it is 0xFFFF.
std::uint16_t ones_sum(ByteView bytes, std::uint32_t start = 0);

/// The sum of the pseudo header of TCP and UDP (RFC 9293 §3.1, RFC 8200 §8.1). `addresses`: source and destination as
/// they stand in the packet; `length`: of transport header and payload.
std::uint16_t pseudo_header_sum(ByteView addresses, std::uint8_t protocol, std::size_t length);

}  // namespace weft
