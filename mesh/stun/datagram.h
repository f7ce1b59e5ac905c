// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft::stun {

/// A datagram that a core of this folder wants sent.
struct Datagram {
  Endpoint source;  // from which of the server's endpoints; a client's is unspecified: its socket's own
  Endpoint destination;
  Bytes bytes;
};

}  // namespace weft::stun
