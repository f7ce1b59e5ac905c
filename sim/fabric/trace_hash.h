// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>

#include "mesh/crypto/blake2b.h"
#include "sim/fabric/wire_event.h"

namespace weft::fabric {

/// A 64-bit digest of `bytes`, the same on every machine; not cryptographic.
std::uint64_t digest64(ByteView bytes);

/// BLAKE2b over the wire events in order: what two runs are compared by.
class TraceHash {
 public:
  void add(const WireEvent& event);
  std::array<std::uint8_t, 32> digest() const;

 private:
  static constexpr std::size_t kRecord = 32;
  std::array<std::uint8_t, 128 * kRecord> buffer_{};
  std::size_t used_ = 0;
  crypto::Blake2b hash_;
};

}  // namespace weft::fabric
