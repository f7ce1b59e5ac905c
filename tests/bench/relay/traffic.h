// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>

#include "tests/bench/relay/relayed_way.h"

namespace weft::load {

/// How datagrams are offered: each alone at its time, kBurst of them one after the other, or as many in one UDP_SEGMENT
/// send as it takes.
enum class Pattern : std::uint8_t { single, burst, gso };
inline constexpr unsigned kBurst = 32;

struct TrafficOptions {
  Pattern pattern = Pattern::single;
  std::size_t length = 1400;  // of the payload
  unsigned rate = 50'000;     // datagrams a second; 0: as fast as the kernel takes them
  std::chrono::milliseconds span{4000};
};

struct TrafficCounts {
  std::uint64_t sent = 0, received = 0;
  double seconds = 0;
};

/// Sends through the way and counts what arrives, on a thread of its own.
Result<TrafficCounts> run_traffic(const RelayedWay& way, const TrafficOptions& options);

}  // namespace weft::load
