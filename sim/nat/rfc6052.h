// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <vector>

#include "mesh/base/ip.h"

namespace weft::nat {

/// RFC 6052 §2.2: an IPv4 address inside a translation prefix, which is 32, 40, 48, 56, 64 or 96 bits long.
IpAddress embed_ipv4(const Prefix& prefix, const IpAddress& ipv4);
/// The IPv4 address in an IPv6 address; nullopt if that is not in the prefix.
std::optional<IpAddress> embedded_ipv4(const Prefix& prefix, const IpAddress& ipv6);
/// Whether RFC 6052 allows a prefix of that length.
bool is_translation_prefix(const Prefix& prefix);

/// DNS64 (RFC 6147 §5.1): the AAAA records that a host behind a NAT64 is told. Real ones are passed on, unless all lie
/// in
/// `::ffff:0:0/96` (§5.1.4); without any, they are made of the A records.
std::vector<IpAddress> dns64(const Prefix& prefix, const std::vector<IpAddress>& aaaa, const std::vector<IpAddress>& a);

/// RFC 6296 §3: the address with `to` in the place of `from`, changed in one more word so that checksums stay right;
/// nullopt if it is not in `from`, or has no translation (the word is FFFF, §3.5). Prefixes of up to 64 bits; the
/// longer of the two counts.
std::optional<IpAddress> translate_prefix(const IpAddress& address, const Prefix& from, const Prefix& to);

}  // namespace weft::nat
