// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/inner/packet_too_big.h"

#include "mesh/inner/icmp_error.h"
#include "mesh/inner/layout.h"

namespace weft::inner {

std::optional<Bytes> packet_too_big(ByteView packet, std::size_t mtu) {
  const auto layout = layout_of(packet);
  if (!layout) return std::nullopt;
  return icmp_error(packet, {.type4 = 3, .code4 = 4, .type6 = 2, .code6 = 0}, destination_of(packet, *layout),
                    static_cast<std::uint32_t>(layout->v4 ? mtu & 0xFFFF : mtu));
}

}  // namespace weft::inner
