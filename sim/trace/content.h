// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string_view>

#include "mesh/base/bytes.h"

namespace weft::tracing {

/// What an IP packet carries, as far as its first bytes tell (docs/protocol.md): `wireguard_initiation`,
/// `stun_request`, `path_probe`, `tcp_syn`, `icmp_echo_request`, …; empty if they do not.
std::string_view content_of(ByteView packet);
/// `udp`, `tcp`, `icmp`, `icmpv6` or `other`.
std::string_view protocol_name(std::uint8_t protocol);

}  // namespace weft::tracing
