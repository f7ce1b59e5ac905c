// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "mesh/base/bytes.h"

namespace weft::crypto {

/// The old digests that STUN and TURN fix on the wire (RFC 8489 §14.5 to §14.7, §9.2.2). Nothing else here may use
/// them. HMAC-SHA1 (RFC 2104) of the concatenation of `parts`.
std::array<std::uint8_t, 20> hmac_sha1(ByteView key, std::initializer_list<ByteView> parts);
/// HMAC-SHA256 (RFC 2104) of the concatenation of `parts`.
std::array<std::uint8_t, 32> hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);
/// MD5 (RFC 1321) of the concatenation of `parts`.
std::array<std::uint8_t, 16> md5(std::initializer_list<ByteView> parts);
/// CRC-32 of ITU V.42 (the one of Ethernet and zip) of the concatenation of `parts`.
std::uint32_t crc32(std::initializer_list<ByteView> parts);

}  // namespace weft::crypto
