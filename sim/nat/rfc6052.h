// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/nat64.h"

namespace weft::nat {

using weft::embed_ipv4;
using weft::embedded_ipv4;
using weft::is_translation_prefix;

/// DNS64 (RFC 6147 §5.1): the AAAA records that a host behind a NAT64 is told. Real ones are passed on, unless all lie
/// in
/// `::ffff:0:0/96` (§5.1.4); without any, they are made of the A records.
std::vector<IpAddress> dns64(const Prefix& prefix, const std::vector<IpAddress>& aaaa, const std::vector<IpAddress>& a);

/// The same of records that are not sorted by type; A records follow, as they are (a resolver asks for both).
std::vector<IpAddress> dns64_answer(const Prefix& prefix, const std::vector<IpAddress>& records);

/// RFC 6296 §3: the address with `to` in the place of `from`, changed in one more word so that checksums stay right;
/// nullopt if it is not in `from`, or has no translation (the word is FFFF, §3.5). Prefixes of up to 64 bits; the
/// longer of the two counts.
std::optional<IpAddress> translate_prefix(const IpAddress& address, const Prefix& from, const Prefix& to);

}  // namespace weft::nat
