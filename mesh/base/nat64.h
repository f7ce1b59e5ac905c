// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "mesh/base/ip.h"

namespace weft {

/// RFC 6052 §2.2: an IPv4 address inside a translation prefix, which is 32, 40, 48, 56, 64 or 96 bits long.
IpAddress embed_ipv4(const Prefix& prefix, const IpAddress& ipv4);
/// The IPv4 address in an IPv6 address; nullopt if that is not in the prefix.
std::optional<IpAddress> embedded_ipv4(const Prefix& prefix, const IpAddress& ipv6);
/// Whether RFC 6052 allows a prefix of that length.
bool is_translation_prefix(const Prefix& prefix);

/// The name whose A records are 192.0.0.170 and 192.0.0.171 everywhere (RFC 7050 §8).
inline constexpr const char* kIpv4OnlyName = "ipv4only.arpa";
std::vector<IpAddress> ipv4_only_addresses();
/// The prefix of the NAT64 whose DNS64 gave these records of kIpv4OnlyName (RFC 7050 §3); nullopt: there is none.
std::optional<Prefix> discovered_prefix(std::span<const IpAddress> records);

/// The network of what a host has for IPv4 if a translator does the rest (RFC 7335); nobody is reached by it.
inline constexpr IpAddress kContinuityAddress = IpAddress::v4(192, 0, 0, 1);
inline bool is_continuity_address(const IpAddress& address) {
  return address.is_v4() && address.v4_host_order() >> 3 == IpAddress::v4(192, 0, 0, 0).v4_host_order() >> 3;
}

}  // namespace weft
