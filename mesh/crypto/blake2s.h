// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "mesh/base/bytes.h"

namespace weft::crypto {

using Blake2sDigest = std::array<std::uint8_t, 32>;

/// BLAKE2s-256 (RFC 7693) of the concatenation of `parts`.
Blake2sDigest blake2s(std::initializer_list<ByteView> parts);
/// Keyed BLAKE2s with a digest of out.size() bytes (1 to 32); `key` has 1 to 32 bytes. WireGuard's Mac is out.size()
/// = 16.
void blake2s_keyed(ByteView key, std::initializer_list<ByteView> parts, MutableByteView out);
/// HMAC (RFC 2104) over BLAKE2s-256.
Blake2sDigest hmac_blake2s(ByteView key, std::initializer_list<ByteView> parts);
/// HKDF as in the Noise specification §4.3 and the WireGuard paper §5.4 (KDF_n): fills 1 to 3 outputs.
void kdf_blake2s(ByteView chaining_key, ByteView input, std::span<Blake2sDigest> outputs);

}  // namespace weft::crypto
