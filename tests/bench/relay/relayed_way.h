// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/crypto/keys.h"
#include "mesh/host/file_descriptor.h"

namespace weft::load {

/// A way through a relaying server: what is sent on `in` with `header` before it arrives on `out`.
struct RelayedWay {
  host::FileDescriptor in;  // connected to the server
  Bytes header;
  std::size_t length_field = 0;  // bytes 2-3 of the header are the payload's length, if this is set
  host::FileDescriptor out;
  host::FileDescriptor keep[2];  // streams that must stay open meanwhile
};

/// The coordinator that `weft-relay-load serve` believes.
crypto::SigningKey bench_coordinator();

/// Two clients of a Weft relay, bound over UDP, from one to the other.
Result<RelayedWay> through_weft(const Endpoint& relay);
/// A client of a TURN server that wants no credentials, with a channel (RFC 8656 §12) to a plain peer.
Result<RelayedWay> through_turn(const Endpoint& server, const IpAddress& local);

/// A UDP socket on `local`, with large buffers and UDP_GRO.
Result<host::FileDescriptor> open_udp(const Endpoint& local);
Result<void> connect_to(const host::FileDescriptor& fd, const Endpoint& remote);

}  // namespace weft::load
