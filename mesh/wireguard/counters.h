// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace weft::wireguard {

/// What a device has done and refused since it was made.
struct DeviceCounters {
  std::uint64_t packets_sealed = 0, packets_opened = 0;
  std::uint64_t initiations_sent = 0, initiations_received = 0;  // received: authentic and new
  std::uint64_t responses_sent = 0, responses_received = 0;
  std::uint64_t cookie_replies_sent = 0, cookie_replies_received = 0;
  std::uint64_t keepalives_sent = 0, keepalives_received = 0;
  std::uint64_t malformed = 0, bad_mac = 0, bad_tag = 0, unknown_index = 0, unknown_peer = 0;
  std::uint64_t replayed_packets = 0, replayed_handshakes = 0, rate_limited = 0;
  std::uint64_t bad_source = 0, expired = 0, no_peer = 0, no_path = 0, staged_dropped = 0;
};

}  // namespace weft::wireguard
