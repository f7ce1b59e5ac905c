// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/header_translation.h"

#include <algorithm>

#include "sim/nat/checksum.h"

namespace weft::nat {
namespace {

constexpr std::uint8_t kFragmentHeader = 44;
/// RFC 7915 §5.1: a larger packet must not be fragmented, since its sender discovers the path MTU.
constexpr std::size_t kMayBeFragmented = 1260;

struct FragmentField {
  std::uint16_t offset = 0;  // in units of eight bytes
  bool more = false;
};

FragmentField fragment_field(const Packet& packet) {
  if (packet.is_v4()) {
    const std::uint16_t field = load_u16be(&packet.bytes[6]);
    return {static_cast<std::uint16_t>(field & 0x1FFF), (field & 0x2000) != 0};
  }
  const std::uint16_t field = load_u16be(&packet.bytes[packet.transport - 6]);
  return {static_cast<std::uint16_t>(field >> 3), (field & 1) != 0};
}

std::uint8_t traffic_class(const Packet& packet) {
  if (packet.is_v4()) return packet.bytes[1];
  return static_cast<std::uint8_t>(load_u16be(packet.bytes.data()) >> 4);
}

std::uint8_t protocol_number(const Packet& packet, bool to_v4) {
  if (packet.ip_protocol == 1 || packet.ip_protocol == 58) return to_v4 ? 1 : 58;
  return packet.ip_protocol;
}

void write_ipv4(Writer& writer, const Packet& packet, const IpAddress& source, const IpAddress& destination,
                std::size_t payload, std::uint16_t identification) {
  std::uint16_t flags = 0;
  if (packet.fragment) {
    const FragmentField field = fragment_field(packet);
    flags = static_cast<std::uint16_t>((field.more ? 0x2000 : 0) | field.offset);
    identification = static_cast<std::uint16_t>(packet.identification);
  } else if (packet.bytes.size() > kMayBeFragmented) {
    flags = 0x4000;
    identification = 0;
  }
  writer.u8(0x45).u8(traffic_class(packet)).u16be(static_cast<std::uint16_t>(20 + payload)).u16be(identification);
  writer.u16be(flags).u8(packet.ttl()).u8(protocol_number(packet, true)).u16be(0);
  writer.bytes(source.bytes()).bytes(destination.bytes());
  writer.patch_u16be(10, internet_checksum(writer.view().first(20)));
}

void write_ipv6(Writer& writer, const Packet& packet, const IpAddress& source, const IpAddress& destination,
                std::size_t payload) {
  const std::uint8_t protocol = protocol_number(packet, false);
  const std::size_t extension = packet.fragment ? 8 : 0;
  writer.u32be(0x60000000 | std::uint32_t{traffic_class(packet)} << 20);
  writer.u16be(static_cast<std::uint16_t>(payload + extension)).u8(packet.fragment ? kFragmentHeader : protocol);
  writer.u8(packet.ttl()).bytes(source.bytes()).bytes(destination.bytes());
  if (!packet.fragment) return;
  const FragmentField field = fragment_field(packet);
  writer.u8(protocol).u8(0).u16be(static_cast<std::uint16_t>(field.offset << 3 | (field.more ? 1 : 0)));
  writer.u32be(packet.identification);
}

/// UDP's or TCP's bytes with other ports, and the checksum by what changed. `whole`: nothing is cut off.
bool translate_ports(Bytes& transport, const Packet& packet, const Endpoint& source, const Endpoint& destination,
                     bool whole) {
  ChecksumDelta delta;
  delta.replace(packet.source.address, source.address);
  delta.replace(packet.destination.address, destination.address);
  delta.replace(packet.source.port, source.port);
  delta.replace(packet.destination.port, destination.port);
  store_u16be(&transport[0], source.port);
  store_u16be(&transport[2], destination.port);
  const bool udp = packet.protocol == Protocol::udp;
  const std::size_t at = udp ? 6 : 16;
  if (at + 2 > transport.size()) return true;
  const std::uint16_t before = load_u16be(&transport[at]);
  if (udp && before == 0) {  // allowed over IPv4 only (RFC 7915 §4.5)
    if (!source.address.is_v6()) return true;
    if (packet.fragment || !whole) return false;
    const std::uint16_t pseudo = pseudo_header_sum(source.address, destination.address, 17, transport.size());
    store_u16be(&transport[at], internet_checksum(transport, pseudo));
  } else {
    store_u16be(&transport[at], delta.apply(before));
  }
  if (udp && load_u16be(&transport[at]) == 0) store_u16be(&transport[at], 0xFFFF);
  return true;
}

/// Recomputes the checksum of an ICMP or ICMPv6 message.
void finish_icmp(Bytes& message, const IpAddress& source, const IpAddress& destination) {
  store_u16be(&message[2], 0);
  const std::uint16_t pseudo = source.is_v4() ? 0 : pseudo_header_sum(source, destination, 58, message.size());
  store_u16be(&message[2], internet_checksum(message, pseudo));
}

/// The transport part in the other version; `whole` is false for what an ICMP error quotes.
std::optional<Bytes> translate_transport(const Packet& packet, const Endpoint& source, const Endpoint& destination,
                                         bool whole) {
  Bytes transport = to_bytes(packet.bytes.subspan(packet.transport));
  if (packet.later_fragment) {
    if (packet.ip_protocol == 1 || packet.ip_protocol == 58) return std::nullopt;
    return transport;
  }
  if (packet.protocol != Protocol::icmp) {
    if (!translate_ports(transport, packet, source, destination, whole)) return std::nullopt;
    return transport;
  }
  if (packet.fragment || (packet.icmp != IcmpKind::echo_request && packet.icmp != IcmpKind::echo_reply))
    return std::nullopt;
  const bool request = packet.icmp == IcmpKind::echo_request;
  transport[0] = source.address.is_v4() ? (request ? 8 : 0) : (request ? 128 : 129);
  store_u16be(&transport[4], request ? source.port : destination.port);
  finish_icmp(transport, source.address, destination.address);
  return transport;
}

Bytes assemble(const Packet& packet, const IpAddress& source, const IpAddress& destination, ByteView transport,
               std::size_t claimed, std::uint16_t identification) {
  Writer writer;
  if (source.is_v4()) {
    write_ipv4(writer, packet, source, destination, claimed, identification);
  } else {
    write_ipv6(writer, packet, source, destination, claimed);
  }
  return writer.bytes(transport).take();
}

struct ErrorKind {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  // pointer or MTU
};

std::optional<ErrorKind> to_icmp(std::uint8_t type, std::uint8_t code, std::uint32_t rest) {
  if (type == 1) return ErrorKind{3, static_cast<std::uint8_t>(code == 1 ? 10 : code == 4 ? 3 : 1), 0};
  if (type == 2) return ErrorKind{3, 4, std::clamp<std::uint32_t>(rest, 88, 0xFFFF) - 20};
  if (type == 3) return ErrorKind{11, code, 0};
  if (type == 4 && code == 1) return ErrorKind{3, 2, 0};
  return std::nullopt;
}

std::optional<ErrorKind> to_icmpv6(std::uint8_t type, std::uint8_t code, std::uint32_t rest) {
  if (type == 11) return ErrorKind{3, code, 0};
  if (type != 3) return std::nullopt;
  switch (code) {
    case 2:
      return ErrorKind{4, 1, 6};  // the Next Header field
    case 3:
      return ErrorKind{1, 4, 0};
    case 4:
      return ErrorKind{2, 0, std::max<std::uint32_t>((rest & 0xFFFF) + 20, 1280)};
    case 9:
    case 10:
    case 13:
    case 15:
      return ErrorKind{1, 1, 0};
    default:
      return code <= 12 ? std::optional(ErrorKind{1, 0, 0}) : std::nullopt;
  }
}

}  // namespace

std::optional<Bytes> translate_header(const Packet& packet, const Endpoint& source, const Endpoint& destination,
                                      std::uint16_t identification) {
  const auto transport = translate_transport(packet, source, destination, true);
  if (!transport) return std::nullopt;
  return assemble(packet, source.address, destination.address, *transport, transport->size(), identification);
}

std::optional<Bytes> translate_icmp_error(const Packet& packet, const Packet& quoted, const IpAddress& reporter,
                                          const Endpoint& quoted_source, const Endpoint& quoted_destination) {
  const std::uint8_t* header = &packet.bytes[packet.transport];
  const std::uint32_t rest = load_u32be(header + 4);
  const bool to_v4 = reporter.is_v4();
  const auto kind = to_v4 ? to_icmp(header[0], header[1], rest) : to_icmpv6(header[0], header[1], rest);
  if (!kind) return std::nullopt;
  const auto transport = translate_transport(quoted, quoted_source, quoted_destination, false);
  if (!transport) return std::nullopt;
  // The quotation keeps the length that the whole packet had, though its end may be cut off.
  const std::size_t whole = quoted.is_v4() ? load_u16be(&quoted.bytes[2]) : 40u + load_u16be(&quoted.bytes[4]);
  const std::size_t claimed = std::max(transport->size(), whole - std::min(whole, quoted.transport));
  Writer message;
  message.u8(kind->type).u8(kind->code).u16be(0).u32be(kind->rest);
  Bytes quotation = assemble(quoted, quoted_source.address, quoted_destination.address, *transport, claimed, 0);
  quotation.resize(std::min<std::size_t>(quotation.size(), to_v4 ? 576 - 28 : 1280 - 48));
  Bytes icmp = message.bytes(quotation).take();
  finish_icmp(icmp, reporter, quoted_source.address);
  return assemble(packet, reporter, quoted_source.address, icmp, icmp.size(), 0);
}

}  // namespace weft::nat
