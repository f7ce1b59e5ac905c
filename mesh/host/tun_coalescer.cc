// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/tun_coalescer.h"

#include <algorithm>
#include <cstring>

#include "mesh/base/assert.h"
#include "mesh/base/internet_checksum.h"

namespace weft::host {
namespace {

using Segmentation = PacketOffload::Segmentation;

constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40, kTcpHeader = 20, kUdpHeader = 8;
constexpr std::size_t kMaxIpPacket = 65535;
constexpr std::size_t kMaxDatagrams = 64;  // the kernel's UDP_MAX_SEGMENTS
constexpr std::uint8_t kTcp = 6, kUdp = 17;
constexpr std::uint8_t kAck = 0x10, kPsh = 0x08;
constexpr std::uint16_t kDontFragment = 0x4000, kFragmentMask = 0x3FFF;  // more fragments, and the offset

bool same(ByteView a, ByteView b, std::size_t from, std::size_t to) {
  return std::memcmp(a.data() + from, b.data() + from, to - from) == 0;
}

/// `position`: of `b` in the run that `a` begins.
bool same_ipv4(ByteView a, ByteView b, std::size_t position) {
  const bool fragmentable = (load_u16be(&a[6]) & kDontFragment) == 0;
  const auto expected = static_cast<std::uint16_t>(load_u16be(&a[4]) + position);
  if (fragmentable && load_u16be(&b[4]) != expected) return false;
  return same(a, b, 0, 2) && same(a, b, 6, 10);
}

/// Traffic class, flow label, hop limit.
bool same_ipv6(ByteView a, ByteView b) { return same(a, b, 0, 4) && same(a, b, 6, 8); }

bool plain_tcp(ByteView tcp) {
  const std::size_t header = tcp.size() < kTcpHeader ? 0 : std::size_t{tcp[12]} / 16 * 4;
  return header >= kTcpHeader && header < tcp.size() && (tcp[13] & ~kPsh) == kAck;
}

/// With a payload and a checksum.
bool plain_udp(ByteView udp) {
  return udp.size() > kUdpHeader && load_u16be(&udp[4]) == udp.size() && load_u16be(&udp[6]) != 0;
}

}  // namespace

bool TunCoalescer::Packet::same_flow(const Packet& other) const {
  return transport == other.transport && tcp == other.tcp && same(bytes, other.bytes, transport, transport + 4u) &&
         std::ranges::equal(addresses(), other.addresses());
}

bool TunCoalescer::Packet::right_checksums() const {
  const ByteView segment = bytes.subspan(transport);
  const bool ip = !v4() || ones_sum(bytes.first(transport)) == 0xFFFF;
  return ip && ones_sum(segment, pseudo_header_sum(addresses(), tcp ? kTcp : kUdp, segment.size())) == 0xFFFF;
}

TunCoalescer::Kind TunCoalescer::parse(const PacketSlot& slot, Packet& packet) {
  packet = {.bytes = slot.slot.bytes()};
  const ByteView bytes = packet.bytes;
  if (bytes.size() < kIpv4Header) return Kind::unknown_flow;
  const bool v4 = bytes[0] >> 4 == 4;
  if (!v4 && (bytes[0] >> 4 != 6 || bytes.size() < kIpv6Header)) return Kind::unknown_flow;
  const std::uint8_t protocol = bytes[v4 ? 9 : 6];
  packet.tcp = protocol == kTcp;
  packet.transport = v4 ? kIpv4Header : kIpv6Header;
  if (v4 && protocol != kTcp && protocol != kUdp) return Kind::other;
  const bool straight = protocol == kTcp || protocol == kUdp;  // no extension header, and below no option or fragment
  const bool whole = v4 ? bytes[0] == 0x45 && (load_u16be(&bytes[6]) & kFragmentMask) == 0 : straight;
  if (!whole || bytes.size() < packet.transport + kUdpHeader) return Kind::unknown_flow;
  const std::size_t length = v4 ? load_u16be(&bytes[2]) : load_u16be(&bytes[4]) + kIpv6Header;
  const ByteView transport = bytes.subspan(packet.transport);
  packet.plain = slot.offload.segmentation == Segmentation::none && !slot.offload.needs_checksum &&
                 length == bytes.size() && (packet.tcp ? plain_tcp(transport) : plain_udp(transport));
  const std::size_t header = packet.tcp && packet.plain ? std::size_t{transport[12]} / 16 * 4 : kUdpHeader;
  packet.payload = static_cast<std::uint16_t>(packet.transport + header);
  return Kind::flow;
}

/// `next` is of the same flow.
bool TunCoalescer::continues(const Packet& first, const Packet& last, const Packet& next, std::size_t position) {
  if (last.push() || last.payload_length() != first.payload_length() || first.payload != next.payload ||
      next.payload_length() > first.payload_length()) {
    return false;
  }
  const bool ip = first.v4() ? same_ipv4(first.bytes, next.bytes, position) : same_ipv6(first.bytes, next.bytes);
  if (!ip || !first.tcp) return ip && position < kMaxDatagrams;
  if (next.sequence() != last.sequence() + static_cast<std::uint32_t>(last.payload_length())) return false;
  // Acknowledgement, header length, window, urgent pointer, options.
  const ByteView x = first.bytes.subspan(first.transport), y = next.bytes.subspan(first.transport);
  return same(x, y, 8, 13) && same(x, y, 14, 16) && same(x, y, 18, std::size_t{first.payload} - first.transport);
}

TunCoalescer::Run* TunCoalescer::find_flow(const Packet& packet) {
  const std::size_t known = std::min(flow_count_, kFlows);
  for (std::size_t i = 1; i <= known; ++i) {
    Run& run = runs_[flows_[(flow_count_ - i) % kFlows]];
    if (packets_[run.first].same_flow(packet)) return &run;
  }
  return nullptr;
}

void TunCoalescer::begin_run(std::size_t packet, bool open) {
  runs_[run_count_++] = {
      .first = packet, .count = 1, .last = packet, .length = packets_[packet].bytes.size(), .open = open};
}

bool TunCoalescer::append(Run& run, std::size_t packet) {
  const Packet& next = packets_[packet];
  const std::size_t length = run.length + next.payload_length();
  if (!next.plain || !run.open || length > kMaxIpPacket ||
      !continues(packets_[run.first], packets_[run.last], next, run.count) || !next.right_checksums() ||
      (run.count == 1 && !packets_[run.first].right_checksums())) {
    return false;
  }
  next_[run.last] = static_cast<std::uint16_t>(packet);
  run.last = packet;
  run.length = length;
  ++run.count;
  return true;
}

std::span<const TunCoalescer::Run> TunCoalescer::plan(std::span<const PacketSlot> packets, bool udp) {
  WEFT_ASSERT(packets.size() <= kMaxBatch);
  run_count_ = flow_count_ = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Kind kind = parse(packets[i], packets_[i]);
    if (kind == Kind::unknown_flow) flow_count_ = 0;  // may be a fragment of any flow: nothing passes it
    Run* const run = kind == Kind::flow ? find_flow(packets_[i]) : nullptr;
    if (run != nullptr && append(*run, i)) continue;
    begin_run(i, kind == Kind::flow && packets_[i].plain && (udp || packets_[i].tcp));
    if (kind != Kind::flow) continue;
    const auto index = static_cast<std::uint16_t>(run_count_ - 1);
    if (run == nullptr) {
      flows_[flow_count_++ % kFlows] = index;
    } else {
      *std::ranges::find(flows_, static_cast<std::uint16_t>(run - runs_.data())) = index;
    }
  }
  return {runs_.data(), run_count_};
}

MergedHeaders TunCoalescer::headers(const Run& run) const {
  const Packet& first = packets_[run.first];
  MergedHeaders merged;
  merged.length = first.payload;
  std::uint8_t* ip = merged.bytes.data();
  std::uint8_t* transport = ip + first.transport;
  std::ranges::copy(first.bytes.first(first.payload), ip);
  if (first.v4()) {
    store_u16be(ip + 2, static_cast<std::uint16_t>(run.length));
    store_u16be(ip + 10, 0);
    store_u16be(ip + 10, static_cast<std::uint16_t>(~ones_sum({ip, kIpv4Header})));
  } else {
    store_u16be(ip + 4, static_cast<std::uint16_t>(run.length - kIpv6Header));
  }
  const std::size_t checksum = first.tcp ? 16 : 6, length = run.length - first.transport;
  if (packets_[run.last].push()) transport[13] |= kPsh;
  if (!first.tcp) store_u16be(transport + 4, static_cast<std::uint16_t>(length));
  store_u16be(transport + checksum, pseudo_header_sum(first.addresses(), first.tcp ? kTcp : kUdp, length));
  const Segmentation tcp = first.v4() ? Segmentation::tcp4 : Segmentation::tcp6;
  merged.offload = {.segmentation = first.tcp ? tcp : Segmentation::udp_l4,
                    .segment_size = static_cast<std::uint16_t>(first.payload_length()),
                    .needs_checksum = true,
                    .checksum_start = first.transport,
                    .checksum_offset = static_cast<std::uint16_t>(checksum)};
  return merged;
}

}  // namespace weft::host
