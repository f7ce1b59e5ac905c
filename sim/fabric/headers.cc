// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/headers.h"

#include <algorithm>
#include <cstring>

#include "mesh/base/assert.h"

namespace weft::fabric {
namespace {

constexpr bool is_v4(ByteView packet) { return packet[0] >> 4 == 4; }

IpAddress address_at(const std::uint8_t* at, bool v4) {
  if (v4) return IpAddress::v4(at[0], at[1], at[2], at[3]);
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), at, 16);
  return IpAddress::v6(bytes);
}

/// Big-endian 16-bit words added up, four bytes a step; the last odd byte counts as the high one.
std::uint64_t add_words(ByteView bytes) {
  std::uint64_t sum = 0;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 4; left -= 4, at += 4) {
    sum += std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
  }
  if (left >= 2) {
    sum += std::uint32_t{at[0]} << 8 | at[1];
    left -= 2;
    at += 2;
  }
  return left == 0 ? sum : sum + (std::uint32_t{at[0]} << 8);
}

std::uint64_t pseudo_header(ByteView addresses, std::uint8_t protocol, std::size_t length) {
  return add_words(addresses) + protocol + length;
}

struct Layout {
  std::size_t addresses, addresses_size, header;
  std::uint8_t protocol;
};
Layout layout(ByteView packet) {
  if (is_v4(packet)) return {12, 8, 20, packet[9]};
  return {8, 32, 40, packet[6]};
}

bool is_icmp_error(std::uint8_t protocol, std::uint8_t type) {
  if (protocol == kIcmpV6) return type < 128;
  return protocol == kIcmp && (type == 3 || type == 4 || type == 5 || type == 11 || type == 12);
}

std::pair<std::uint8_t, std::uint8_t> type_and_code(IcmpReason reason, bool v4) {
  switch (reason) {
    case IcmpReason::time_exceeded:
      return v4 ? std::pair{11, 0} : std::pair{3, 0};
    case IcmpReason::no_route:
      return v4 ? std::pair{3, 0} : std::pair{1, 0};
    case IcmpReason::host_unreachable:
      return v4 ? std::pair{3, 1} : std::pair{1, 3};
    case IcmpReason::port_unreachable:
      return v4 ? std::pair{3, 3} : std::pair{1, 4};
    case IcmpReason::too_big:
      return v4 ? std::pair{3, 4} : std::pair{2, 0};
  }
  return {3, 0};
}

}  // namespace

std::uint16_t internet_checksum(ByteView bytes, std::uint64_t sum) {
  sum += add_words(bytes);
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void write_ip_header(std::uint8_t* at, const IpFields& fields, std::size_t payload) {
  const auto ecn = static_cast<std::uint8_t>(fields.ecn);
  if (fields.destination.is_v4()) {
    std::memset(at, 0, 20);
    at[0] = 0x45;
    at[1] = ecn;
    store_u16be(at + 2, static_cast<std::uint16_t>(20 + payload));
    store_u16be(at + 4, fields.identification);
    at[6] = fields.dont_fragment ? 0x40 : 0;
    at[8] = fields.ttl;
    at[9] = fields.protocol;
    std::memcpy(at + 12, fields.source.bytes().data(), 4);
    std::memcpy(at + 16, fields.destination.bytes().data(), 4);
    store_u16be(at + 10, internet_checksum({at, 20}));
    return;
  }
  std::memset(at, 0, 8);
  at[0] = 0x60;
  at[1] = static_cast<std::uint8_t>(ecn << 4);
  store_u16be(at + 4, static_cast<std::uint16_t>(payload));
  at[6] = fields.protocol;
  at[7] = fields.ttl;
  std::memcpy(at + 8, fields.source.bytes().data(), 16);
  std::memcpy(at + 24, fields.destination.bytes().data(), 16);
}

void store_transport_checksum(MutableByteView packet, std::size_t field) {
  const Layout at = layout(packet);
  const auto transport = packet.subspan(at.header);
  transport[field] = transport[field + 1] = 0;
  const std::uint64_t pseudo = at.protocol == kIcmp ? 0
                                                    : pseudo_header(packet.subspan(at.addresses, at.addresses_size),
                                                                    at.protocol, transport.size());
  std::uint16_t sum = internet_checksum(transport, pseudo);
  if (sum == 0 && at.protocol == kUdp) sum = 0xFFFF;  // RFC 768: zero means none
  store_u16be(&transport[field], sum);
}

std::optional<IpView> parse_ip(ByteView packet) {
  if (packet.size() < 20) return std::nullopt;
  const bool v4 = is_v4(packet);
  if (!v4 && (packet[0] >> 4 != 6 || packet.size() < 40)) return std::nullopt;
  const Layout at = layout(packet);
  IpView ip;
  ip.header = at.header;
  ip.protocol = at.protocol;
  ip.ttl = v4 ? packet[8] : packet[7];
  ip.ecn = static_cast<Ecn>(v4 ? packet[1] & 3 : packet[1] >> 4 & 3);
  const std::size_t length = v4 ? load_u16be(&packet[2]) : 40u + load_u16be(&packet[4]);
  if (length != packet.size()) return std::nullopt;
  if (v4 && (packet[0] != 0x45 || (load_u16be(&packet[6]) & 0x3FFF) != 0)) return std::nullopt;
  if (v4 && internet_checksum(packet.first(20)) != 0) return std::nullopt;
  ip.source = address_at(&packet[at.addresses], v4);
  ip.destination = address_at(&packet[at.addresses + at.addresses_size / 2], v4);
  ip.payload = packet.subspan(at.header);
  return ip;
}

bool transport_checksum_ok(const IpView& ip) {
  if (ip.protocol == kIcmp) return internet_checksum(ip.payload) == 0;
  if (ip.protocol != kUdp && ip.protocol != kTcp && ip.protocol != kIcmpV6) return true;
  const std::uint64_t pseudo =
      add_words(ip.source.bytes()) + add_words(ip.destination.bytes()) + ip.protocol + ip.payload.size();
  return internet_checksum(ip.payload, pseudo) == 0;
}

IpAddress destination_of(ByteView packet) {
  const Layout at = layout(packet);
  return address_at(&packet[at.addresses + at.addresses_size / 2], is_v4(packet));
}

IpAddress source_of(ByteView packet) { return address_at(&packet[layout(packet).addresses], is_v4(packet)); }

std::uint8_t ttl_of(ByteView packet) { return is_v4(packet) ? packet[8] : packet[7]; }

void decrement_ttl(MutableByteView packet, std::uint8_t hops) {
  WEFT_ASSERT(hops < ttl_of(packet));
  if (!is_v4(packet)) {
    packet[7] = static_cast<std::uint8_t>(packet[7] - hops);
    return;
  }
  packet[8] = static_cast<std::uint8_t>(packet[8] - hops);
  std::uint32_t sum = std::uint32_t{load_u16be(&packet[10])} + (std::uint32_t{hops} << 8);
  sum = (sum & 0xFFFF) + (sum >> 16);
  store_u16be(&packet[10], static_cast<std::uint16_t>(sum));
}

std::optional<Bytes> make_icmp_error(const IpAddress& reporter, ByteView offending, IcmpReason reason,
                                     std::uint16_t mtu) {
  const bool v4 = is_v4(offending);
  const Layout at = layout(offending);
  const IpAddress source = source_of(offending);
  if (source.is_unspecified() || source.is_multicast()) return std::nullopt;
  if (offending.size() > at.header && is_icmp_error(at.protocol, offending[at.header])) return std::nullopt;
  const std::size_t room = (v4 ? 576 : 1280) - at.header - kIcmpHeader;
  const ByteView quoted = offending.first(std::min(offending.size(), room));
  const auto [type, code] = type_and_code(reason, v4);
  Bytes out(at.header + kIcmpHeader + quoted.size());
  write_ip_header(out.data(), {.source = reporter, .destination = source, .protocol = v4 ? kIcmp : kIcmpV6},
                  kIcmpHeader + quoted.size());
  out[at.header] = type;
  out[at.header + 1] = code;
  store_u32be(&out[at.header + 4], mtu);  // RFC 1191 §4 and RFC 4443 §3.2 both end there
  std::ranges::copy(quoted, out.begin() + static_cast<std::ptrdiff_t>(at.header + kIcmpHeader));
  store_transport_checksum(out, 2);
  return out;
}

std::optional<IcmpErrorView> parse_icmp_error(const IpView& ip) {
  if (ip.payload.size() < kIcmpHeader + 20 || !is_icmp_error(ip.protocol, ip.payload[0])) return std::nullopt;
  const ByteView quoted = ip.payload.subspan(kIcmpHeader);
  const bool v4 = is_v4(quoted);
  const std::size_t header = ip_header_size(v4 ? IpFamily::v4 : IpFamily::v6);
  if ((!v4 && quoted[0] >> 4 != 6) || (v4 && quoted[0] != 0x45) || quoted.size() < header + 4) return std::nullopt;
  IcmpErrorView view;
  view.quoted_protocol = layout(quoted).protocol;
  if (view.quoted_protocol != kUdp && view.quoted_protocol != kTcp) return std::nullopt;
  view.error.type = ip.payload[0];
  view.error.code = ip.payload[1];
  const bool too_big = v4 ? view.error.type == 3 && view.error.code == 4 : view.error.type == 2;
  if (too_big) view.error.mtu = v4 ? load_u16be(&ip.payload[6]) : load_u32be(&ip.payload[4]);
  view.error.reporter = ip.source;
  view.error.quoted_source = {source_of(quoted), load_u16be(&quoted[header])};
  view.error.quoted_destination = {destination_of(quoted), load_u16be(&quoted[header + 2])};
  return view;
}

std::optional<Bytes> make_echo_reply(ByteView packet) {
  const auto ip = parse_ip(packet);
  if (!ip || ip->payload.size() < kIcmpHeader || !transport_checksum_ok(*ip)) return std::nullopt;
  const bool v4 = ip->destination.is_v4();
  if (ip->protocol != (v4 ? kIcmp : kIcmpV6) || ip->payload[0] != (v4 ? 8 : 128)) return std::nullopt;
  Bytes out = to_bytes(packet);
  write_ip_header(out.data(),
                  {.source = ip->destination, .destination = ip->source, .protocol = ip->protocol, .ecn = ip->ecn},
                  ip->payload.size());
  out[ip->header] = v4 ? 0 : 129;
  store_transport_checksum(out, 2);
  return out;
}

}  // namespace weft::fabric
