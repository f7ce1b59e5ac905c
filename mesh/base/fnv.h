// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "mesh/base/bytes.h"

namespace weft {

/// FNV-1a, 64 bits: the same on every machine, and not keyed, so who chooses the bytes chooses the digest. `begin`: the
/// digest of what comes before.
constexpr std::uint64_t fnv1a(ByteView bytes, std::uint64_t begin = 0xCBF29CE484222325) {
  for (const std::uint8_t byte : bytes) begin = (begin ^ byte) * 0x100000001B3;
  return begin;
}

}  // namespace weft
