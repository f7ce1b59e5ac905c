// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/probe_flow.h"

#include "mesh/path/probe.h"
#include "sim/fabric/headers.h"

namespace weft::sim {

std::optional<ProbeFlow> probe_flow(ByteView packet) {
  const bool v4 = packet[0] >> 4 == 4;
  const std::size_t udp = v4 ? 20 : 40;
  if (packet.size() <= udp + fabric::kUdpHeader || packet[v4 ? 9 : 6] != fabric::kUdp ||
      packet[udp + fabric::kUdpHeader] != path::kProbeMagic) {
    return std::nullopt;
  }
  Reader ports(packet.subspan(udp, 4));
  const std::uint16_t source = ports.u16be();
  const std::uint16_t destination = ports.u16be();
  return ProbeFlow{{fabric::source_of(packet), source}, {fabric::destination_of(packet), destination}};
}

}  // namespace weft::sim
