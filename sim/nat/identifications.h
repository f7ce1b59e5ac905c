// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "sim/nat/key.h"

namespace weft {
class Random;
}

namespace weft::nat {

/// Identifications for IPv4 packets whose addresses are replaced, as if this box had sent them (RFC 6864 §5.3.1): two
/// inside hosts that count alike become one source outside, whose fragments must not mix. Counters that start at
/// random, one of 2,048 for a source, destination and protocol, as in Linux: a value comes again after 65,536 packets.
class Identifications {
 public:
  /// `random` outlives it and is drawn from at the first packet.
  explicit Identifications(Random& random) : random_(random) {}
  std::uint16_t next(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol);

 private:
  static constexpr std::size_t kCounters = 2048;
  Random& random_;
  std::uint64_t secret_ = 0;
  std::vector<std::uint16_t> counters_;
};

}  // namespace weft::nat
