// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include "mesh/base/bytes.h"

namespace weft {

/// Cuts an IPv4 packet into fragments of at most `mtu` bytes (RFC 791 §3.2); one that fits comes out whole. Nothing
/// comes out if not even eight bytes of content fit.
void fragment_v4(ByteView ip_packet, std::size_t mtu, const std::function<void(ByteView)>& out);

}  // namespace weft
