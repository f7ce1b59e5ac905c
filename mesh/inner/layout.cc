// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/inner/layout.h"

namespace weft::inner {
namespace {

constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40, kTcpHeader = 20;
constexpr std::uint16_t kDontFragment = 0x4000, kMoreFragmentsAndOffset = 0x3FFF;

}  // namespace

std::optional<Layout> layout_of(ByteView bytes) {
  if (bytes.empty()) return std::nullopt;
  Layout layout;
  if (bytes[0] >> 4 == 4) {
    if (bytes.size() < kIpv4Header) return std::nullopt;
    layout.header = std::size_t{bytes[0] & 0xFu} * 4;
    layout.length = load_u16be(&bytes[2]);
    layout.protocol = bytes[9];
    const std::uint16_t flags = load_u16be(&bytes[6]);
    layout.dont_fragment = (flags & kDontFragment) != 0;
    layout.fragment = (flags & kMoreFragmentsAndOffset) != 0;
    if (layout.header < kIpv4Header) return std::nullopt;
  } else if (bytes[0] >> 4 == 6) {
    if (bytes.size() < kIpv6Header) return std::nullopt;
    layout.v4 = false;
    layout.header = kIpv6Header;
    layout.length = kIpv6Header + load_u16be(&bytes[4]);
    layout.protocol = bytes[6];
  } else {
    return std::nullopt;
  }
  if (layout.length < layout.header || layout.length > bytes.size()) return std::nullopt;
  return layout;
}

IpAddress source_of(ByteView packet, const Layout& layout) {
  return *IpAddress::from_bytes(layout.v4 ? packet.subspan(12, 4) : packet.subspan(8, 16));
}

IpAddress destination_of(ByteView packet, const Layout& layout) {
  return *IpAddress::from_bytes(layout.v4 ? packet.subspan(16, 4) : packet.subspan(24, 16));
}

std::optional<std::size_t> tcp_header(ByteView packet, const Layout& layout) {
  if (layout.protocol != kTcp || layout.fragment || layout.length < layout.header + kTcpHeader) return std::nullopt;
  const std::size_t size = std::size_t{packet[layout.header + 12]} / 16 * 4;
  if (size < kTcpHeader || layout.header + size > layout.length) return std::nullopt;
  return size;
}

}  // namespace weft::inner
