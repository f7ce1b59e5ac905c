// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "mesh/base/bytes.h"

namespace weft::traffic {

/// The bytes that begin every payload of simulated traffic. They must never be seen on a wire outside a tunnel.
inline constexpr std::array<std::uint8_t, 16> kCanary = {0x57, 0x45, 0x46, 0x54, 0x2D, 0x43, 0x41, 0x4E, 0x41,
                                                         0x52, 0x59, 0x9C, 0x3F, 0xE1, 0x07, 0xB6};  // "WEFT-CANARY"...

/// A payload of `size` bytes (at least kCanary.size() + 16): canary, `flow`, `number`, then a pattern that depends on
/// both.
Bytes make_payload(std::uint64_t flow, std::uint64_t number, std::size_t size);

struct Payload {
  std::uint64_t flow = 0;
  std::uint64_t number = 0;
};
/// nullopt unless `bytes` is make_payload's, to the last byte.
std::optional<Payload> parse_payload(ByteView bytes);

/// Whether the canary is anywhere in `bytes`: the invariant that no plaintext leaves a socket.
bool contains_canary(ByteView bytes);

}  // namespace weft::traffic
