// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/inner/icmp_error.h"

#include <algorithm>

#include "mesh/base/internet_checksum.h"
#include "mesh/inner/layout.h"

namespace weft::inner {
namespace {

constexpr std::size_t kIcmpHeader = 8;
/// The least size that every receiver takes (RFC 1812 §4.3.2.3, RFC 4443 §2.4 (c)).
constexpr std::size_t kMaxV4 = 576, kMaxV6 = 1280;
constexpr std::uint16_t kOffset = 0x1FFF;

bool is_error(std::uint8_t protocol, std::uint8_t type) {
  if (protocol == kIcmp) return type != 0 && type != 8 && type != 13 && type != 14;
  return protocol == kIcmpV6 && type < 128;
}

Bytes answer_v4(ByteView quoted, const IpAddress& from, const IpAddress& to, const IcmpErrorKind& kind,
                std::uint32_t field) {
  Writer out;
  out.u8(0x45).u8(0).u16be(static_cast<std::uint16_t>(20 + kIcmpHeader + quoted.size())).u32be(0).u8(64).u8(kIcmp);
  out.u16be(0).bytes(from.bytes()).bytes(to.bytes());
  out.patch_u16be(10, static_cast<std::uint16_t>(~ones_sum(out.view())));
  out.u8(kind.type4).u8(kind.code4).u16be(0).u32be(field).bytes(quoted);
  out.patch_u16be(22, static_cast<std::uint16_t>(~ones_sum(out.view().subspan(20))));
  return out.take();
}

Bytes answer_v6(ByteView quoted, const IpAddress& from, const IpAddress& to, const IcmpErrorKind& kind,
                std::uint32_t field) {
  Writer out;
  out.u32be(0x60000000).u16be(static_cast<std::uint16_t>(kIcmpHeader + quoted.size())).u8(kIcmpV6).u8(64);
  out.bytes(from.bytes()).bytes(to.bytes());
  out.u8(kind.type6).u8(kind.code6).u16be(0).u32be(field).bytes(quoted);
  const ByteView icmp = out.view().subspan(40);
  const std::uint16_t pseudo = pseudo_header_sum(out.view().subspan(8, 32), kIcmpV6, icmp.size());
  out.patch_u16be(42, static_cast<std::uint16_t>(~ones_sum(icmp, pseudo)));
  return out.take();
}

}  // namespace

std::optional<Bytes> icmp_error(ByteView packet, const IcmpErrorKind& kind, const IpAddress& reporter,
                                std::uint32_t field) {
  const auto layout = layout_of(packet);
  if (!layout) return std::nullopt;
  if (layout->v4 && (load_u16be(&packet[6]) & kOffset) != 0) return std::nullopt;
  if (layout->length > layout->header && is_error(layout->protocol, packet[layout->header])) return std::nullopt;
  const IpAddress source = source_of(packet, *layout), destination = destination_of(packet, *layout);
  if (source.is_unspecified() || source.is_multicast() || destination.is_multicast()) return std::nullopt;
  const std::size_t room = (layout->v4 ? kMaxV4 : kMaxV6) - layout->header - kIcmpHeader;
  const ByteView quoted = packet.first(std::min(layout->length, room));
  return layout->v4 ? answer_v4(quoted, reporter, source, kind, field)
                    : answer_v6(quoted, reporter, source, kind, field);
}

}  // namespace weft::inner
