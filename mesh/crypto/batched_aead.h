// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include "mesh/crypto/aead.h"

namespace weft::crypto {

struct LaneKernels;

/// ChaCha20-Poly1305 over many packets at once, with the vector instructions of one implementation
/// (docs/design/001-batched-aead.md). nullptr for openssl, and where the processor lacks the instructions.
const LaneKernels* lane_kernels(AeadImplementation implementation);

/// As Aead::seal() and Aead::open(). Keep nothing between calls and allocate nothing.
void batched_seal(const LaneKernels& kernels, const SymmetricKey& key, std::span<AeadItem> items);
void batched_open(const LaneKernels& kernels, const SymmetricKey& key, std::span<AeadItem> items);

}  // namespace weft::crypto
