// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/datagram.h"

#include "sim/fabric/headers.h"

namespace weft::sim {

ByteView datagram_in(ByteView packet) {
  if (packet.size() < 20) return {};
  const bool v4 = packet[0] >> 4 == 4;
  const std::size_t udp = v4 ? std::size_t{packet[0] & 15u} * 4 : 40;
  if (packet.size() < udp + fabric::kUdpHeader || packet[v4 ? 9 : 6] != fabric::kUdp) return {};
  constexpr std::uint16_t kMoreFragments = 0x2000, kOffset = 0x1FFF;
  if (v4 && (load_u16be(packet.data() + 6) & (kMoreFragments | kOffset)) != 0) return {};
  return packet.subspan(udp + fabric::kUdpHeader);
}

}  // namespace weft::sim
