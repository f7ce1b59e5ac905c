// SPDX-License-Identifier: BSD-3-Clause
// links: weft_relay
#include <cstddef>
#include <cstdint>

#include "mesh/base/assert.h"
#include "tests/unit/relay/wires.h"

using namespace weft;

/// Datagrams in the hands of a relay with two bound clients, and of a client. The first byte chooses: bit 0 the client
/// or the relay; bits 1-7 the size of segments (0: one datagram). A channel that is 0 stands for one that is open.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  relay::Wires wires;
  auto& a = wires.connect_udp(1001);
  auto& b = wires.connect_udp(1002);
  wires.settle();
  wires.send(a, b, Bytes(5));
  const auto route = a.session->udp_route(wires.now, b.key.public_key());
  WEFT_ASSERT(route.has_value());
  Bytes bytes(data + 1, data + size);
  if (relay::data_channel(bytes) == 0u) relay::write_data_header(bytes.data(), route->channel);
  if ((data[0] & 1) != 0) {
    static_cast<void>(a.session->handle_udp(wires.now, relay::Wires::relay_udp(), bytes));
  } else {
    wires.to_hub(*a.udp, bytes, static_cast<std::uint16_t>(data[0] >> 1));
  }
  wires.settle();
  return 0;
}
