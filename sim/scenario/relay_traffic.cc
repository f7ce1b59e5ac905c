// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/relay_traffic.h"

#include <algorithm>

#include "mesh/path/probe.h"
#include "mesh/relay/udp_frame.h"
#include "mesh/stun/message.h"
#include "sim/fabric/headers.h"
#include "sim/scenario/datagram.h"

namespace weft::sim {

/// Hosts send with a TTL of 64; a packet with less is on the wire of a gateway, which has passed it on.
void RelayTraffic::see(ByteView packet) {
  if (std::ranges::find(relays_, fabric::source_of(packet)) == relays_.end()) return;
  if (fabric::ttl_of(packet) != 64) return;
  const ByteView message = datagram_in(packet);
  std::uint64_t* kind = message.empty() ? &streams_ : &others_;
  if (relay::data_channel(message) && message.size() > relay::kUdpDataHeader) {
    kind = message[relay::kUdpDataHeader] == path::kProbeMagic ? &probes_ : &tunnels_;
  } else if (stun::looks_like_stun(message)) {
    kind = &stun_;
  }
  *kind += packet.size();
}

}  // namespace weft::sim
