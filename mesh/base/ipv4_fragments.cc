// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/ipv4_fragments.h"

#include <algorithm>

#include "mesh/base/internet_checksum.h"

namespace weft {

void fragment_v4(ByteView ip_packet, std::size_t mtu, const std::function<void(ByteView)>& out) {
  if (ip_packet.size() <= mtu) return out(ip_packet);
  const std::size_t header = std::size_t{ip_packet[0] & 0xFu} * 4;
  if (mtu < header + 8) return;
  const std::size_t room = (mtu - header) / 8 * 8;
  const std::uint16_t flags = load_u16be(&ip_packet[6]);
  Bytes piece;
  for (std::size_t at = header; at < ip_packet.size(); at += room) {
    const std::size_t count = std::min(room, ip_packet.size() - at);
    const bool last = at + count == ip_packet.size();
    piece.assign(ip_packet.begin(), ip_packet.begin() + static_cast<std::ptrdiff_t>(header));
    piece.insert(piece.end(), ip_packet.begin() + static_cast<std::ptrdiff_t>(at),
                 ip_packet.begin() + static_cast<std::ptrdiff_t>(at + count));
    store_u16be(&piece[2], static_cast<std::uint16_t>(piece.size()));
    store_u16be(&piece[6], static_cast<std::uint16_t>(((flags & 0x1FFF) + (at - header) / 8) | (flags & 0x4000) |
                                                      (last ? flags & 0x2000 : 0x2000)));
    store_u16be(&piece[10], 0);
    store_u16be(&piece[10], static_cast<std::uint16_t>(~ones_sum(ByteView(piece).first(header))));
    out(piece);
  }
}

}  // namespace weft
