// SPDX-License-Identifier: GPL-2.0-only
#include "sim/gateway/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "mesh/base/internet_checksum.h"
#include "mesh/base/tun_segmenter.h"

namespace weft::gateway {
namespace {

using Segmentation = PacketOffload::Segmentation;

// <linux/virtio_net.h>; the kernel's own header of AF_PACKET is in the machine's byte order.
constexpr std::uint8_t kNeedsChecksum = 1;
constexpr std::uint8_t kGsoNone = 0, kGsoTcp4 = 1, kGsoTcp6 = 4, kGsoUdpL4 = 5, kGsoEcn = 0x80;
constexpr std::size_t kUdpHeader = 8;
constexpr std::uint8_t kUdp = 17;

std::uint16_t get(ByteView frame, std::size_t at) {
  std::uint16_t value = 0;
  std::memcpy(&value, frame.data() + at, 2);
  return value;
}

void put(MutableByteView frame, std::size_t at, std::size_t value) {
  const auto narrow = static_cast<std::uint16_t>(value);
  std::memcpy(frame.data() + at, &narrow, 2);
}

bool is_v4(ByteView ip) { return ip[0] >> 4 == 4; }

ByteView addresses(ByteView ip) { return is_v4(ip) ? ip.subspan(12, 8) : ip.subspan(8, 32); }

std::size_t transport_header(ByteView ip, const PacketOffload& offload) {
  const std::size_t at = offload.checksum_start;
  if (offload.segmentation == Segmentation::udp_l4) return kUdpHeader;
  return at + 13 <= ip.size() ? std::size_t{ip[at + 12]} / 16 * 4 : 0;
}

void patch_udp(MutableByteView out, std::size_t udp_at, std::uint16_t number) {
  if (is_v4(out)) {
    store_u16be(&out[2], static_cast<std::uint16_t>(out.size()));
    store_u16be(&out[4], static_cast<std::uint16_t>(load_u16be(&out[4]) + number));
    store_u16be(&out[10], 0);
    store_u16be(&out[10], static_cast<std::uint16_t>(~ones_sum(out.first(udp_at))));
  } else {
    store_u16be(&out[4], static_cast<std::uint16_t>(out.size() - 40));
  }
  const MutableByteView udp = out.subspan(udp_at);
  store_u16be(&udp[4], static_cast<std::uint16_t>(udp.size()));
  store_u16be(&udp[6], 0);
  const auto sum = ones_sum(udp, pseudo_header_sum(addresses(out), kUdp, udp.size()));
  store_u16be(&udp[6], sum == 0xFFFF ? 0xFFFF : static_cast<std::uint16_t>(~sum));
}

bool segment_udp(ByteView ip, const PacketOffload& offload, const std::function<void(ByteView)>& out) {
  const std::size_t headers = offload.checksum_start + kUdpHeader;
  if (offload.segment_size == 0 || offload.checksum_start < (is_v4(ip) ? 20u : 40u) || ip.size() <= headers)
    return false;
  Bytes piece;
  std::uint16_t number = 0;
  for (std::size_t at = headers; at < ip.size(); at += offload.segment_size, ++number) {
    const std::size_t count = std::min<std::size_t>(offload.segment_size, ip.size() - at);
    piece.assign(ip.begin(), ip.begin() + static_cast<std::ptrdiff_t>(headers));
    piece.insert(piece.end(), ip.begin() + static_cast<std::ptrdiff_t>(at),
                 ip.begin() + static_cast<std::ptrdiff_t>(at + count));
    patch_udp(piece, offload.checksum_start, number);
    out(piece);
  }
  return true;
}

/// A super-frame that the receiving card put together (GRO) has good checksums, which no longer count.
std::optional<PacketOffload> merged(ByteView frame, PacketOffload offload) {
  const ByteView ip = frame.subspan(kIpAt);
  if (ip.size() < 40) return std::nullopt;
  offload.needs_checksum = true;
  offload.checksum_start = static_cast<std::uint16_t>(is_v4(ip) ? (ip[0] & 0xF) * 4 : 40);
  offload.checksum_offset = offload.segmentation == Segmentation::udp_l4 ? 6 : 16;
  return offload;
}

}  // namespace

std::optional<Mac> parse_mac(std::string_view text) {
  Mac mac{};
  if (text.size() != mac.size() * 3 - 1) return std::nullopt;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const char* at = text.data() + i * 3;
    const auto [end, error] = std::from_chars(at, at + 2, mac[i], 16);
    if (error != std::errc{} || end != at + 2 || (i + 1 < mac.size() && *end != ':')) return std::nullopt;
  }
  return mac;
}

std::string to_string(const Mac& mac) {
  std::string out;
  for (const std::uint8_t octet : mac) out += fmt::format("{}{:02x}", out.empty() ? "" : ":", octet);
  return out;
}

std::size_t ip_length(ByteView ip, std::uint16_t type) {
  const std::size_t header = type == kEtherTypeV4 ? 20 : 40;
  const int version = type == kEtherTypeV4 ? 4 : 6;
  if ((type != kEtherTypeV4 && type != kEtherTypeV6) || ip.size() < header || ip[0] >> 4 != version) return 0;
  const std::size_t told = version == 4 ? std::size_t{load_u16be(&ip[2])} : std::size_t{load_u16be(&ip[4])} + header;
  return told >= header && told <= ip.size() ? told : 0;
}

std::optional<PacketOffload> read_vnet(ByteView frame) {
  PacketOffload offload;
  switch (frame[1] & ~kGsoEcn) {
    case kGsoNone:
      break;
    case kGsoTcp4:
      offload.segmentation = Segmentation::tcp4;
      break;
    case kGsoTcp6:
      offload.segmentation = Segmentation::tcp6;
      break;
    case kGsoUdpL4:
      offload.segmentation = Segmentation::udp_l4;
      break;
    default:
      return std::nullopt;
  }
  offload.segment_size = get(frame, 4);
  offload.needs_checksum = (frame[0] & kNeedsChecksum) != 0;
  if (!offload.needs_checksum) return offload.segmentation == Segmentation::none ? offload : merged(frame, offload);
  const std::uint16_t start = get(frame, 6);
  offload.checksum_offset = get(frame, 8);
  if (start < kEthernetSize + 20 || kVnetSize + start + offload.checksum_offset + 2u > frame.size())
    return std::nullopt;
  offload.checksum_start = static_cast<std::uint16_t>(start - kEthernetSize);
  return offload;
}

void write_vnet(MutableByteView frame, const PacketOffload& offload) {
  std::fill_n(frame.begin(), kVnetSize, std::uint8_t{0});
  if (!offload.needs_checksum) return;
  frame[0] = kNeedsChecksum;
  put(frame, 6, offload.checksum_start + kEthernetSize);
  put(frame, 8, offload.checksum_offset);
  if (offload.segmentation == Segmentation::none) return;
  frame[1] = offload.segmentation == Segmentation::tcp4   ? kGsoTcp4
             : offload.segmentation == Segmentation::tcp6 ? kGsoTcp6
                                                          : kGsoUdpL4;
  put(frame, 2, kEthernetSize + offload.checksum_start + transport_header(ByteView(frame).subspan(kIpAt), offload));
  put(frame, 4, offload.segment_size);
}

void write_ethernet(MutableByteView frame, const Mac& destination, const Mac& source, std::uint16_t type) {
  std::ranges::copy(destination, frame.begin() + kVnetSize);
  std::ranges::copy(source, frame.begin() + kVnetSize + 6);
  store_u16be(frame.data() + kVnetSize + 12, type);
}

Bytes make_frame(ByteView ip_packet) {
  Bytes frame(kIpAt + ip_packet.size());
  std::ranges::copy(ip_packet, frame.begin() + kIpAt);
  if (!ip_packet.empty()) store_u16be(&frame[kVnetSize + 12], is_v4(ip_packet) ? kEtherTypeV4 : kEtherTypeV6);
  return frame;
}

bool segment(ByteView ip_packet, const PacketOffload& offload, const std::function<void(ByteView)>& out) {
  if (ip_packet.empty()) return false;
  if (offload.segmentation == Segmentation::udp_l4) return segment_udp(ip_packet, offload, out);
  auto segmenter = TunSegmenter::create(ip_packet, offload);
  if (!segmenter) return false;
  Bytes piece;
  while (!segmenter->done()) {
    piece.resize(segmenter->next_length());
    segmenter->write_next(piece.data());
    out(piece);
  }
  return true;
}

std::size_t wire_size(ByteView ip_packet, const PacketOffload& offload) {
  if (offload.segmentation == Segmentation::none) return ip_packet.size();
  const std::size_t headers = offload.checksum_start + transport_header(ip_packet, offload);
  return std::min<std::size_t>(ip_packet.size(), headers + offload.segment_size);
}

void restore_partial_checksum(MutableByteView ip_packet, const PacketOffload& offload) {
  const std::size_t field = std::size_t{offload.checksum_start} + offload.checksum_offset;
  if (!offload.needs_checksum || field + 2 > ip_packet.size()) return;
  const std::uint8_t protocol = offload.checksum_offset == 6 ? kUdp : 6;
  const std::size_t length = ip_packet.size() - offload.checksum_start;
  store_u16be(&ip_packet[field], pseudo_header_sum(addresses(ip_packet), protocol, length));
}

}  // namespace weft::gateway
