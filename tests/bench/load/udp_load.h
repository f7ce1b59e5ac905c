// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"

namespace weft::load {

/// Size of what numbers a datagram: its place in the sender's order, little-endian, at the beginning of the payload.
inline constexpr std::size_t kSequenceSize = 8;

struct SendOptions {
  Endpoint target;
  std::size_t length = 1372;  // of the payload, kSequenceSize at least
  std::chrono::milliseconds span{5000};
  bool gso = false;  // as many datagrams a call as UDP_SEGMENT takes; otherwise one send() each
};

struct Sent {
  std::uint64_t datagrams = 0;
  std::uint64_t refused = 0;  // by the kernel, for a full queue or an ICMP error
  double seconds = 0;
};

/// Sends as fast as the kernel takes.
Result<Sent> send_udp(const SendOptions& options);

struct ReceiveOptions {
  Endpoint local;
  std::chrono::milliseconds first{20'000};   // most time to wait for the first datagram
  std::chrono::milliseconds silence{1'000};  // this long without a datagram is the end
};

struct Received {
  std::uint64_t datagrams = 0;
  std::uint64_t bytes = 0;         // of payload
  std::uint64_t out_of_order = 0;  // with a smaller number than one before
  double seconds = 0;              // from the first datagram to the last
};

/// Counts datagrams, read with UDP_GRO, so that the counting costs little.
Result<Received> receive_udp(const ReceiveOptions& options);

}  // namespace weft::load
