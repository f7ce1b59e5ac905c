// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/random.h"
#include "mesh/control/control_error.h"
#include "mesh/crypto/keys.h"

namespace weft::control {

/// What proves the right to join: redeemed once or often, by the kind of the setup key. Secret; never logged.
using SetupSecret = std::array<std::uint8_t, 16>;

inline constexpr std::size_t kMaxTokenEndpoints = 8;

/// The one text that lets a host join: where the coordinator is, which key it has, and the right to join.
struct Token {
  std::vector<Endpoint> endpoints;  // 1 to kMaxTokenEndpoints, tried in order
  crypto::PublicKey coordinator_key;
  SetupSecret secret{};
  KeyProvenance provenance = KeyProvenance::operating_system;
  bool tls = true;  // whether the coordinator's streams are TLS
  friend bool operator==(const Token&, const Token&) = default;
};

/// `weft1_` and the base32 of: version (1), flags (bit 0 simulated, bit 1 TLS), count of endpoints, each as family (4
/// or 6), address and port, the coordinator's key, the secret, CRC-32 of all before. Integers are big endian.
std::string encode(const Token& token);

/// Accepts either case and surrounding white space. Errors: malformed, bad_version, bad_checksum, too_large
/// (endpoints).
std::expected<Token, ControlError> parse_token(std::string_view text);

}  // namespace weft::control
