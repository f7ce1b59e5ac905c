// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "mesh/base/bytes.h"

namespace weft::sim {

/// The payload of a UDP datagram in a whole IP packet without extension headers; empty for anything else, fragments
/// included.
ByteView datagram_in(ByteView ip_packet);

}  // namespace weft::sim
