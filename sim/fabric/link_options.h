// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "mesh/base/time.h"

namespace weft::fabric {

/// The access link of a host or of a NAT's outside: what lies between it and its realm. The defaults are a fast one.
struct LinkOptions {
  Duration delay = 100us;                  // one way, in each direction
  std::uint64_t up_bps = 0;                // 0: no limit, so nothing queues
  std::uint64_t down_bps = 0;              // 0: no limit
  std::uint32_t queue_bytes = 128 * 1024;  // waits at most, in each direction; more is dropped at the tail
  Duration queue{0};                       // if set, the bound on the waiting time instead of queue_bytes
  Duration jitter{0};                      // up to this more delay for each packet; packets stay in order
  std::uint32_t loss_ppm = 0;              // per million, in each direction
  std::uint32_t loss_burst = 1;            // mean length of a run of losses (Gilbert-Elliott), in packets
  std::uint16_t mtu = 1500;
  /// A datagram that is too big is dropped without a word (a black hole). TCP segments are reported nevertheless, as
  /// if the gateway clamped their size, which those with such links do.
  bool black_hole = false;
  bool fragments = true;  // false: nothing passes in pieces
  bool up = true;         // false: everything is lost
};

}  // namespace weft::fabric
