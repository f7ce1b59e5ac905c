// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/packet.h"

#include <algorithm>
#include <optional>

#include "sim/nat/checksum.h"

namespace weft::nat {
namespace {

constexpr std::size_t kIpv6Header = 40;
constexpr std::uint8_t kIcmpV6 = 58;

std::optional<Protocol> known(std::uint8_t number, bool v4) {
  if (number == 17) return Protocol::udp;
  if (number == 6) return Protocol::tcp;
  if (number == (v4 ? 1 : kIcmpV6)) return Protocol::icmp;
  return std::nullopt;
}

IcmpKind icmp_kind(std::uint8_t type, bool v4) {
  if (type == (v4 ? 8 : 128)) return IcmpKind::echo_request;
  if (type == (v4 ? 0 : 129)) return IcmpKind::echo_reply;
  const bool error = v4 ? type == 3 || type == 11 || type == 12 : type >= 1 && type <= 4;
  return error ? IcmpKind::error : IcmpKind::none;
}

/// Fills addresses, protocol number and the transport's place. `whole`: the lengths must agree with the bytes.
std::expected<void, DropReason> parse_ipv4(Packet& packet, bool whole) {
  auto& bytes = packet.bytes;
  if (bytes.size() < 20) return std::unexpected(DropReason::malformed);
  const std::size_t header = std::size_t{bytes[0]} % 16 * 4;
  const std::size_t total = load_u16be(&bytes[2]);
  if (header < 20 || header > bytes.size() || total < header) return std::unexpected(DropReason::malformed);
  if (total > bytes.size() && whole) return std::unexpected(DropReason::malformed);
  bytes = bytes.first(std::min(total, bytes.size()));
  const std::uint16_t fragment = load_u16be(&bytes[6]);
  packet.source.address = IpAddress::v4(load_u32be(&bytes[12]));
  packet.destination.address = IpAddress::v4(load_u32be(&bytes[16]));
  packet.ip_protocol = bytes[9];
  packet.transport = header;
  packet.fragment = fragment & 0x3FFF;
  packet.later_fragment = fragment & 0x1FFF;
  packet.identification = load_u16be(&bytes[4]);
  if (packet.later_fragment) return std::unexpected(DropReason::fragment);
  return {};
}

/// Walks hop-by-hop, routing, destination and fragment headers (RFC 8200 §4).
std::expected<void, DropReason> skip_extensions(Packet& packet) {
  const auto& bytes = packet.bytes;
  while (true) {
    const std::uint8_t next = packet.ip_protocol;
    if (next != 0 && next != 43 && next != 60 && next != 44) return {};
    if (packet.transport + 8 > bytes.size()) return std::unexpected(DropReason::malformed);
    const std::uint8_t* header = &bytes[packet.transport];
    packet.ip_protocol = header[0];
    if (next == 44) {
      const std::uint16_t fragment = load_u16be(header + 2);
      packet.fragment = fragment & 0xFFF9;
      packet.later_fragment = fragment & 0xFFF8;
      packet.identification = load_u32be(header + 4);
      packet.transport += 8;
      if (packet.later_fragment) return std::unexpected(DropReason::fragment);
    } else {
      packet.transport += (std::size_t{header[1]} + 1) * 8;
    }
  }
}

std::expected<void, DropReason> parse_ipv6(Packet& packet, bool whole) {
  auto& bytes = packet.bytes;
  if (bytes.size() < kIpv6Header) return std::unexpected(DropReason::malformed);
  const std::size_t total = kIpv6Header + load_u16be(&bytes[4]);
  if (total > bytes.size() && whole) return std::unexpected(DropReason::malformed);
  bytes = bytes.first(std::min(total, bytes.size()));
  packet.source.address = *IpAddress::from_bytes(bytes.subspan(8, 16));
  packet.destination.address = *IpAddress::from_bytes(bytes.subspan(24, 16));
  packet.ip_protocol = bytes[6];
  packet.transport = kIpv6Header;
  return skip_extensions(packet);
}

std::expected<void, DropReason> parse_transport(Packet& packet, bool whole) {
  const bool v4 = packet.is_v4();
  const auto protocol = known(packet.ip_protocol, v4);
  if (!protocol) return std::unexpected(DropReason::unsupported_protocol);
  packet.protocol = *protocol;
  const std::size_t needed = whole && *protocol == Protocol::tcp ? 20 : 8;
  if (packet.transport + needed > packet.bytes.size()) return std::unexpected(DropReason::malformed);
  const std::uint8_t* at = &packet.bytes[packet.transport];
  if (*protocol != Protocol::icmp) {
    packet.source.port = load_u16be(at);
    packet.destination.port = load_u16be(at + 2);
    if (*protocol == Protocol::tcp && whole) packet.tcp_flags = at[13];
    return {};
  }
  packet.icmp = icmp_kind(at[0], v4);
  if (packet.icmp == IcmpKind::none) return std::unexpected(DropReason::unsupported_protocol);
  if (packet.icmp == IcmpKind::echo_request) packet.source.port = load_u16be(at + 4);
  if (packet.icmp == IcmpKind::echo_reply) packet.destination.port = load_u16be(at + 4);
  return {};
}

std::expected<void, DropReason> parse_network(Packet& packet, bool whole) {
  if (packet.bytes.empty()) return std::unexpected(DropReason::malformed);
  const int version = packet.bytes[0] >> 4;
  if (version == 4) return parse_ipv4(packet, whole);
  return version == 6 ? parse_ipv6(packet, whole) : std::unexpected(DropReason::malformed);
}

std::expected<Packet, DropReason> parse(MutableByteView bytes, bool whole) {
  Packet packet;
  packet.bytes = bytes;
  if (const auto network = parse_network(packet, whole); !network) return std::unexpected(network.error());
  if (const auto transport = parse_transport(packet, whole); !transport) return std::unexpected(transport.error());
  return packet;
}

void store_address(std::uint8_t* at, const IpAddress& address) { std::ranges::copy(address.bytes(), at); }

/// The place of the transport's checksum, or nullopt if it is cut off or, by RFC 768, not in use.
std::optional<std::size_t> checksum_place(const Packet& packet) {
  const std::size_t offset = packet.protocol == Protocol::udp ? 6 : packet.protocol == Protocol::tcp ? 16 : 2;
  const std::size_t place = packet.transport + offset;
  if (place + 2 > packet.bytes.size()) return std::nullopt;
  if (packet.protocol == Protocol::udp && load_u16be(&packet.bytes[place]) == 0) return std::nullopt;
  return place;
}

void update_transport_checksum(Packet& packet, const ChecksumDelta& delta) {
  const auto place = checksum_place(packet);
  if (!place) return;
  std::uint16_t checksum = delta.apply(load_u16be(&packet.bytes[*place]));
  if (checksum == 0 && packet.protocol == Protocol::udp) checksum = 0xFFFF;
  store_u16be(&packet.bytes[*place], checksum);
}

/// Where the port of one end stands: its own field, or the echo identifier; nullopt for an end without a port.
std::optional<std::size_t> port_place(const Packet& packet, bool source) {
  if (packet.protocol != Protocol::icmp) return packet.transport + (source ? 0 : 2);
  if (packet.icmp == (source ? IcmpKind::echo_request : IcmpKind::echo_reply)) return packet.transport + 4;
  return std::nullopt;
}

void set_end(Packet& packet, bool source, const Endpoint& to) {
  Endpoint& end = source ? packet.source : packet.destination;
  if (end == to) return;
  std::uint8_t* header = packet.bytes.data();
  ChecksumDelta address_delta;
  address_delta.replace(end.address, to.address);
  if (packet.is_v4()) {
    store_address(header + (source ? 12 : 16), to.address);
    store_u16be(header + 10, address_delta.apply(load_u16be(header + 10)));
  } else {
    store_address(header + (source ? 8 : 24), to.address);
  }
  if (packet.later_fragment) {
    end.address = to.address;
    return;
  }
  // ICMP over IPv4 has no pseudo-header (RFC 792), everything else does.
  ChecksumDelta delta = packet.protocol == Protocol::icmp && packet.is_v4() ? ChecksumDelta{} : address_delta;
  if (const auto place = port_place(packet, source)) {
    delta.replace(end.port, to.port);
    store_u16be(header + *place, to.port);
  }
  update_transport_checksum(packet, delta);
  end = to;
}

}  // namespace

std::expected<Packet, DropReason> parse_packet(MutableByteView bytes) { return parse(bytes, true); }

std::expected<Packet, DropReason> parse_network_header(MutableByteView bytes) {
  Packet packet;
  packet.bytes = bytes;
  const auto network = parse_network(packet, true);
  if (network) {
    static_cast<void>(parse_transport(packet, true));  // for `icmp`; a cut or foreign transport is no fault here
  } else if (network.error() != DropReason::fragment) {
    return std::unexpected(network.error());
  }
  return packet;
}

std::expected<Packet, DropReason> parse_quoted(const Packet& packet) {
  return parse(packet.bytes.subspan(packet.transport + 8), false);
}

void Packet::decrement_ttl() {
  if (!is_v4()) {
    --bytes[7];
    return;
  }
  ChecksumDelta delta;
  const std::uint16_t before = load_u16be(&bytes[8]);
  --bytes[8];
  delta.replace(before, load_u16be(&bytes[8]));
  store_u16be(&bytes[10], delta.apply(load_u16be(&bytes[10])));
}

void Packet::set_identification(std::uint16_t to) {
  ChecksumDelta delta;
  delta.replace(load_u16be(&bytes[4]), to);
  store_u16be(&bytes[4], to);
  store_u16be(&bytes[10], delta.apply(load_u16be(&bytes[10])));
}

void Packet::set_source(const Endpoint& to) { set_end(*this, true, to); }
void Packet::set_destination(const Endpoint& to) { set_end(*this, false, to); }

void rewrite_quoted(Packet& packet, Packet& quoted, const Endpoint& source, const Endpoint& destination) {
  // The quoted bytes begin at an even distance from the ICMP header, so their sum is a part of the ICMP checksum's.
  const std::uint16_t before = ones_sum(quoted.bytes);
  quoted.set_source(source);
  quoted.set_destination(destination);
  ChecksumDelta delta;
  delta.replace(before, ones_sum(quoted.bytes));
  update_transport_checksum(packet, delta);
}

}  // namespace weft::nat
