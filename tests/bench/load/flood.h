// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/crypto/keys.h"

namespace weft::load {

/// Handshake initiations that lead to nothing, behind one another. Made beforehand, so that the flood itself is cheap.
Bytes initiations_with_bad_mac1();
/// From somebody who knows the responder's public key: mac1 is right, the ephemeral key and the rest are random.
Bytes initiations_with_random_ephemeral(const crypto::PublicKey& responder);
/// One that was genuine once, as captured; `hex` must be 148 bytes.
Result<Bytes> replayed_initiations(const std::string& hex);

struct FloodOptions {
  Endpoint target;
  std::vector<IpAddress> sources;  // that take turns; empty: what the kernel chooses
  Bytes initiations;
  unsigned rate = 200'000;  // a second
  std::chrono::milliseconds span{5000};
};

struct Flooded {
  std::uint64_t initiations = 0;
  std::uint64_t refused = 0;  // by the kernel
  double seconds = 0;
  double cpu_seconds = 0;  // of this process
};

/// Sends initiations at a steady rate, 64 a call (UDP_SEGMENT).
Result<Flooded> flood(const FloodOptions& options);

}  // namespace weft::load
