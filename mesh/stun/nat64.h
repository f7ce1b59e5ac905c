// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "mesh/base/ip.h"

namespace weft::stun {

/// How a host with IPv6 only reaches an IPv4 endpoint that a STUN message names: inside the /96 prefix of its network's
/// NAT64 (RFC 6052 §2.2; a host learns the prefix by RFC 7050). Without a prefix, and for IPv6, the endpoint itself.
inline Endpoint through_nat64(const std::optional<Prefix>& prefix, const Endpoint& endpoint) {
  if (!prefix || prefix->length != 96 || !endpoint.address.is_v4()) return endpoint;
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(prefix->address.bytes(), bytes.begin());
  std::ranges::copy(endpoint.address.bytes(), bytes.begin() + 12);
  return {IpAddress::v6(bytes), endpoint.port};
}

}  // namespace weft::stun
