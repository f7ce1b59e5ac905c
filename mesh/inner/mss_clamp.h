// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "mesh/base/bytes.h"

namespace weft::inner {

/// Lowers the maximum segment size (RFC 9293 §3.7.1) that a TCP SYN announces to what fits packets of `mtu` bytes, and
/// mends the checksum. True if it did: `packet` was a SYN with a larger one. A SYN without the option stays as it is,
/// since its sender already takes 536 or 1,220 bytes at most (RFC 9293 §3.7.1).
bool clamp_mss(MutableByteView packet, std::size_t mtu);

}  // namespace weft::inner
