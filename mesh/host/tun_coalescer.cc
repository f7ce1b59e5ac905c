// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/tun_coalescer.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "mesh/host/internet_checksum.h"

namespace weft::host {
namespace {

using Segmentation = PacketOffload::Segmentation;

constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40, kTcpHeader = 20;
constexpr std::size_t kMaxIpPacket = 65535;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kAck = 0x10, kPsh = 0x08;
constexpr std::uint16_t kDontFragment = 0x4000, kFragmentMask = 0x3FFF;  // more fragments, and the offset

/// A TCP packet with payload that could be part of a run.
struct Segment {
  ByteView packet;
  std::size_t tcp = 0;      // where its header begins
  std::size_t payload = 0;  // where its payload begins

  bool v4() const { return tcp == kIpv4Header; }
  std::size_t payload_length() const { return packet.size() - payload; }
  std::uint32_t sequence() const { return load_u32be(&packet[tcp + 4]); }
  bool push() const { return (packet[tcp + 13] & kPsh) != 0; }
  ByteView addresses() const { return v4() ? packet.subspan(12, 8) : packet.subspan(8, 32); }
};

bool plain_ipv4(ByteView packet) {
  return packet[0] == 0x45 && packet[9] == kTcp && load_u16be(&packet[2]) == packet.size() &&
         (load_u16be(&packet[6]) & kFragmentMask) == 0;
}

bool plain_ipv6(ByteView packet) {
  return packet.size() >= kIpv6Header + kTcpHeader && packet[0] >> 4 == 6 && packet[6] == kTcp &&
         load_u16be(&packet[4]) + kIpv6Header == packet.size();
}

std::optional<Segment> parse(const PacketSlot& slot) {
  const ByteView packet = slot.slot.bytes();
  const bool plain = slot.offload.segmentation == Segmentation::none && !slot.offload.needs_checksum;
  if (!plain || packet.size() < kIpv4Header + kTcpHeader) return std::nullopt;
  Segment segment{.packet = packet};
  if (plain_ipv4(packet)) {
    segment.tcp = kIpv4Header;
  } else if (plain_ipv6(packet)) {
    segment.tcp = kIpv6Header;
  } else {
    return std::nullopt;
  }
  const std::size_t header = std::size_t{packet[segment.tcp + 12]} / 16 * 4;
  segment.payload = segment.tcp + header;
  if (header < kTcpHeader || segment.payload >= packet.size()) return std::nullopt;
  if ((packet[segment.tcp + 13] & ~kPsh) != kAck) return std::nullopt;
  return segment;
}

bool same(ByteView a, ByteView b, std::size_t from, std::size_t to) {
  return std::memcmp(a.data() + from, b.data() + from, to - from) == 0;
}

/// `position`: of `b` in the run that `a` begins.
bool same_ipv4(ByteView a, ByteView b, std::size_t position) {
  const bool fragmentable = (load_u16be(&a[6]) & kDontFragment) == 0;
  const auto expected = static_cast<std::uint16_t>(load_u16be(&a[4]) + position);
  if (fragmentable && load_u16be(&b[4]) != expected) return false;
  return same(a, b, 0, 2) && same(a, b, 6, 10) && same(a, b, 12, 20);
}

bool same_ipv6(ByteView a, ByteView b) { return same(a, b, 0, 4) && same(a, b, 6, 40); }

/// Ports, acknowledgement, header length, window, urgent pointer, options.
bool same_tcp(const Segment& a, const Segment& b) {
  const ByteView x = a.packet.subspan(a.tcp, a.payload - a.tcp), y = b.packet.subspan(b.tcp, b.payload - b.tcp);
  return x.size() == y.size() && same(x, y, 0, 4) && same(x, y, 8, 13) && same(x, y, 14, 16) &&
         same(x, y, 18, x.size());
}

bool continues(const Segment& first, const Segment& last, const Segment& next, std::size_t position) {
  if (first.tcp != next.tcp || last.push() || last.payload_length() != first.payload_length() ||
      next.payload_length() > first.payload_length() || next.sequence() != last.sequence() + last.payload_length()) {
    return false;
  }
  const bool ip = first.v4() ? same_ipv4(first.packet, next.packet, position) : same_ipv6(first.packet, next.packet);
  return ip && same_tcp(first, next);
}

bool right_checksums(const Segment& segment) {
  const ByteView tcp = segment.packet.subspan(segment.tcp);
  const bool ip = !segment.v4() || ones_sum(segment.packet.first(segment.tcp)) == 0xFFFF;
  return ip && ones_sum(tcp, pseudo_header_sum(segment.addresses(), kTcp, tcp.size())) == 0xFFFF;
}

}  // namespace

std::size_t mergeable(std::span<const PacketSlot> packets) {
  const auto first = packets.size() < 2 ? std::nullopt : parse(packets[0]);
  if (!first) return 1;
  Segment last = *first;
  std::size_t length = first->packet.size();
  std::size_t count = 1;
  while (count < packets.size()) {
    const auto next = parse(packets[count]);
    if (!next || !continues(*first, last, *next, count)) break;
    length += next->payload_length();
    if (length > kMaxIpPacket || (count == 1 && !right_checksums(*first)) || !right_checksums(*next)) break;
    last = *next;
    ++count;
  }
  return count;
}

MergedHeaders merge_headers(std::span<const PacketSlot> run) {
  const Segment first = *parse(run.front());
  std::size_t length = first.payload;
  for (const PacketSlot& packet : run) length += packet.slot.length - first.payload;
  MergedHeaders merged;
  merged.length = first.payload;
  std::uint8_t* ip = merged.bytes.data();
  std::uint8_t* tcp = ip + first.tcp;
  std::ranges::copy(first.packet.first(first.payload), ip);
  if (first.v4()) {
    store_u16be(ip + 2, static_cast<std::uint16_t>(length));
    store_u16be(ip + 10, 0);
    store_u16be(ip + 10, static_cast<std::uint16_t>(~ones_sum({ip, kIpv4Header})));
  } else {
    store_u16be(ip + 4, static_cast<std::uint16_t>(length - kIpv6Header));
  }
  if (parse(run.back())->push()) tcp[13] |= kPsh;
  store_u16be(tcp + 16, pseudo_header_sum(first.addresses(), kTcp, length - first.tcp));
  merged.offload = {.segmentation = first.v4() ? Segmentation::tcp4 : Segmentation::tcp6,
                    .segment_size = static_cast<std::uint16_t>(first.payload_length()),
                    .needs_checksum = true,
                    .checksum_start = static_cast<std::uint16_t>(first.tcp),
                    .checksum_offset = 16};
  return merged;
}

}  // namespace weft::host
