// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft::nat {

/// Ones' complement sum of big-endian 16-bit words, folded to 16 bits (RFC 1071); an odd last byte is padded with zero.
std::uint16_t ones_sum(ByteView bytes, std::uint32_t initial = 0);
/// The Internet checksum of `bytes` (RFC 1071) on top of a partial sum.
inline std::uint16_t internet_checksum(ByteView bytes, std::uint32_t initial = 0) {
  return static_cast<std::uint16_t>(~ones_sum(bytes, initial));
}
/// The sum of the pseudo-header that UDP, TCP and ICMPv6 checksums cover (RFC 9293 §3.1, RFC 8200 §8.1).
std::uint16_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                std::size_t length);

/// Collects what changed in checksummed words and updates a checksum by it, without a look at the rest (RFC 1624 §3,
/// equation 3: HC' = ~(~HC + ~m + m')).
class ChecksumDelta {
 public:
  void replace(std::uint16_t before, std::uint16_t after) {
    sum_ += static_cast<std::uint16_t>(~before);
    sum_ += after;
  }
  void replace(const IpAddress& before, const IpAddress& after);
  std::uint16_t apply(std::uint16_t checksum) const {
    std::uint64_t sum = sum_ + static_cast<std::uint16_t>(~checksum);
    while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
  }

 private:
  std::uint64_t sum_ = 0;
};

}  // namespace weft::nat
