// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "mesh/crypto/poly1305_lanes.h"

namespace weft::crypto {

/// What the Poly1305 of RFC 8439 §2.8 authenticates of one packet without associated data: its ciphertext and its
/// length.
struct Poly1305Packet {
  const std::uint8_t* data;
  std::size_t length;
  std::array<std::uint8_t, 32> key;  // one-time key, then its tag in the first 16 bytes
};

struct Poly1305Kernel {
  void (*run)(Poly1305Lanes& lanes);
  std::size_t width;  // lanes that cost as much as one
};

/// Replaces each packet's key by its tag, for up to 16 packets. Packets fewer than the kernel is wide are cut into
/// runs.
void poly1305_tags(const Poly1305Kernel& kernel, std::span<Poly1305Packet> packets);

}  // namespace weft::crypto
