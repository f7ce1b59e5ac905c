// SPDX-License-Identifier: BSD-3-Clause
// links: weft_stun
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mesh/stun/attributes.h"
#include "mesh/stun/integrity.h"
#include "mesh/stun/server.h"

using namespace weft;

/// The parser, every attribute reader, and the server, which meets datagrams of anybody. What is read must survive
/// being written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto message = stun::parse(input);
  if (message) {
    const auto again = stun::parse(stun::encode(*message));
    if (!again || *again != *message) std::abort();
    static_cast<void>(stun::reflexive_address(*message));
    static_cast<void>(stun::error_code(*message));
    static_cast<void>(stun::unknown_attributes(*message));
    static_cast<void>(stun::change_request(*message));
    static_cast<void>(stun::response_port(*message));
  }
  static_cast<void>(stun::check_message_integrity(input, as_bytes("key")));
  static_cast<void>(stun::check_message_integrity_sha256(input, as_bytes("key")));
  static_cast<void>(stun::check_fingerprint(input));
  const Endpoint first{IpAddress::v4(192, 0, 2, 1), 3478};
  const Endpoint second{IpAddress::v4(192, 0, 2, 2), 3479};
  stun::Server server({.endpoints = {first, second}, .software = "weft"});
  const auto answer = server.handle_datagram(Time{}, {IpAddress::v4(203, 0, 113, 1), 1}, first, input);
  if (answer && !stun::parse(answer->bytes)) std::abort();
  return 0;
}
