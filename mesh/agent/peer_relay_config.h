// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace weft::agent {

/// What an operator lets other peers use this node for (`weft agent --relay-for-peers`, rung 10).
struct PeerRelayConfig {
  /// What is carried where no number is named.
  static constexpr std::uint16_t kDefaultMbps = 20;

  bool offered = false;
  /// The most that is carried for all peers together, in bytes a second, without IP and UDP; 0: without a bound.
  std::uint64_t bytes_per_s = 0;

  /// At most so many Mbit/s; 0: nothing is offered.
  static constexpr PeerRelayConfig of_mbps(std::uint16_t mbps) {
    return {.offered = mbps != 0, .bytes_per_s = std::uint64_t{mbps} * 125'000};
  }
};

}  // namespace weft::agent
