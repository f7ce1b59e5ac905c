// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft::stun {

/// A datagram that a core of this folder wants sent.
struct Datagram {
  Endpoint source;  // from which of the server's endpoints; a client's is unspecified: its socket's own
  Endpoint destination;
  Bytes bytes;
};

/// A datagram of a probe that uses several throw-away sockets, which its owner opens and numbers from 0.
struct SocketDatagram {
  std::size_t socket = 0;
  Endpoint destination;
  Bytes bytes;
};

}  // namespace weft::stun
