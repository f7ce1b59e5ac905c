// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/tun_segmenter.h"

#include <algorithm>
#include <cstring>

#include "mesh/base/internet_checksum.h"

namespace weft {
namespace {

using Segmentation = PacketOffload::Segmentation;

constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40, kTcpHeader = 20, kUdpHeader = 8;
constexpr std::uint8_t kTcp = 6, kUdp = 17;
constexpr std::uint8_t kFin = 0x01, kPsh = 0x08, kCwr = 0x80;
constexpr std::size_t kTcpChecksum = 16, kUdpChecksum = 6;

/// Length of IP and transport headers of a super-packet; nullopt if they are not where the offload says.
std::optional<std::size_t> transport_headers(ByteView packet, const PacketOffload& offload) {
  const bool udp = offload.segmentation == Segmentation::udp_l4;
  const std::size_t at = offload.checksum_start;
  const std::size_t least = udp ? kUdpHeader : kTcpHeader;
  const std::uint8_t version = packet[0] >> 4;
  if (version != (offload.segmentation == Segmentation::tcp6 || (udp && version == 6) ? 6 : 4)) return std::nullopt;
  if (packet.size() < at + least || at < (version == 4 ? kIpv4Header : kIpv6Header)) return std::nullopt;
  const bool v4_fits = at == std::size_t{packet[0] & 0xFu} * 4 && packet[9] == (udp ? kUdp : kTcp);
  if (version == 4 && !v4_fits) return std::nullopt;
  const std::size_t header = udp ? kUdpHeader : std::size_t{packet[at + 12]} / 16 * 4;
  const bool sound = header >= least && at + header < packet.size() && offload.segment_size > 0 &&
                     offload.needs_checksum && offload.checksum_offset == (udp ? kUdpChecksum : kTcpChecksum);
  return sound ? std::optional(at + header) : std::nullopt;
}

bool checksum_fits(ByteView packet, const PacketOffload& offload) {
  return !offload.needs_checksum || std::size_t{offload.checksum_start} + offload.checksum_offset + 2 <= packet.size();
}

/// The field holds the sum of the pseudo header, so the sum from there to the end is all that is missing.
void write_transport_checksum(std::uint8_t* packet, std::size_t length, const PacketOffload& offload) {
  const std::size_t field = std::size_t{offload.checksum_start} + offload.checksum_offset;
  auto checksum =
      static_cast<std::uint16_t>(~ones_sum({packet + offload.checksum_start, length - offload.checksum_start}));
  if (checksum == 0 && offload.checksum_offset == kUdpChecksum) checksum = 0xFFFF;  // 0 means none (RFC 768)
  store_u16be(packet + field, checksum);
}

}  // namespace

bool finish_checksum(MutableByteView packet, const PacketOffload& offload) {
  if (packet.empty() || !checksum_fits(packet, offload)) return false;
  if (offload.needs_checksum) write_transport_checksum(packet.data(), packet.size(), offload);
  return true;
}

std::optional<TunSegmenter> TunSegmenter::create(ByteView packet, const PacketOffload& offload) {
  if (packet.empty()) return std::nullopt;
  switch (offload.segmentation) {
    case Segmentation::none:
      if (!checksum_fits(packet, offload)) return std::nullopt;
      return TunSegmenter(packet, offload, 0);
    case Segmentation::tcp4:
    case Segmentation::tcp6:
    case Segmentation::udp_l4: {
      const auto headers = transport_headers(packet, offload);
      if (!headers) return std::nullopt;
      return TunSegmenter(packet, offload, *headers);
    }
  }
  return std::nullopt;
}

TunSegmenter::TunSegmenter(ByteView packet, const PacketOffload& offload, std::size_t headers)
    : packet_(packet), offload_(offload), headers_(headers), next_(headers) {}

std::size_t TunSegmenter::payload_length() const {
  const std::size_t left = packet_.size() - next_;
  return headers_ == 0 ? left : std::min<std::size_t>(left, offload_.segment_size);
}

std::size_t TunSegmenter::next_length() const { return headers_ + payload_length(); }

void TunSegmenter::write_next(std::uint8_t* out) {
  const std::size_t payload = payload_length();
  std::memcpy(out, packet_.data(), headers_);
  std::memcpy(out + headers_, packet_.data() + next_, payload);
  next_ += payload;
  if (headers_ != 0) {
    patch_ip(out, headers_ + payload);
    if (offload_.segmentation == Segmentation::udp_l4) {
      store_u16be(out + offload_.checksum_start + 4, static_cast<std::uint16_t>(kUdpHeader + payload));
    } else {
      patch_tcp(out, written_ == 0, done());
    }
    write_checksum(out, headers_ + payload);
  } else if (offload_.needs_checksum) {
    write_transport_checksum(out, payload, offload_);
  }
  ++written_;
}

void TunSegmenter::patch_ip(std::uint8_t* out, std::size_t length) const {
  if (!v4()) {
    store_u16be(out + 4, static_cast<std::uint16_t>(length - kIpv6Header));
    return;
  }
  store_u16be(out + 2, static_cast<std::uint16_t>(length));
  store_u16be(out + 4, static_cast<std::uint16_t>(load_u16be(out + 4) + written_));
  store_u16be(out + 10, 0);
  store_u16be(out + 10, static_cast<std::uint16_t>(~ones_sum({out, offload_.checksum_start})));
}

void TunSegmenter::patch_tcp(std::uint8_t* out, bool first, bool last) const {
  std::uint8_t* tcp = out + offload_.checksum_start;
  store_u32be(tcp + 4, load_u32be(tcp + 4) + written_ * offload_.segment_size);
  if (!first) tcp[13] &= static_cast<std::uint8_t>(~kCwr);
  if (!last) tcp[13] &= static_cast<std::uint8_t>(~(kFin | kPsh));
}

void TunSegmenter::write_checksum(std::uint8_t* out, std::size_t length) const {
  const bool udp = offload_.segmentation == Segmentation::udp_l4;
  const ByteView addresses = v4() ? ByteView(out + 12, 8) : ByteView(out + 8, 32);
  const std::size_t transport = length - offload_.checksum_start;
  const std::uint16_t pseudo = pseudo_header_sum(addresses, udp ? kUdp : kTcp, transport);
  store_u16be(out + offload_.checksum_start + offload_.checksum_offset, pseudo);
  write_transport_checksum(out, length, offload_);
}

}  // namespace weft
