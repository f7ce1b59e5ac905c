// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <expected>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "sim/nat/nat.h"

namespace weft::nat {

/// What a flow is made of. ICMP stands for ICMPv6 too.
enum class Protocol : std::uint8_t { icmp = 1, tcp = 6, udp = 17 };

/// How ICMP matters to a translator: an echo has an identifier in the place of a port, an error quotes a packet.
enum class IcmpKind : std::uint8_t { none, echo_request, echo_reply, error };

inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpAck = 0x10;

/// A view of one IP packet: its flow and where the fields are. Rewriting goes through it and keeps all checksums right
/// by increments (RFC 1624); a UDP checksum of zero over IPv4 stays zero (RFC 768), a result of zero is sent as FFFF.
struct Packet {
  MutableByteView bytes;      // from the IP header to the end of the packet, trailing padding cut off
  std::size_t transport = 0;  // where UDP, TCP or ICMP begins
  Protocol protocol = Protocol::udp;
  std::uint8_t ip_protocol = 0;  // the number in the header: 58 for ICMPv6
  Endpoint source;               // port: the identifier of an echo request, 0 for other ICMP
  Endpoint destination;          // port: the identifier of an echo reply, 0 for other ICMP
  IcmpKind icmp = IcmpKind::none;
  std::uint8_t tcp_flags = 0;
  bool fragment = false;             // one of several; the first, unless `later_fragment`
  bool later_fragment = false;       // without a transport header: only addresses can be rewritten
  std::uint32_t identification = 0;  // of a fragment

  bool is_v4() const { return source.address.is_v4(); }
  std::uint8_t ttl() const { return bytes[is_v4() ? 8 : 7]; }
  /// IPv4, whole and not to be fragmented: its identification means nothing (RFC 6864 §4).
  bool is_atomic() const { return is_v4() && (load_u16be(&bytes[6]) & 0x7FFF) == 0x4000; }
  void decrement_ttl();
  /// Of an IPv4 packet.
  void set_identification(std::uint16_t to);
  void set_source(const Endpoint& to);
  void set_destination(const Endpoint& to);
};

/// Finds the flow of a packet. Errors: malformed, unsupported_protocol, fragment (not the first).
std::expected<Packet, DropReason> parse_packet(MutableByteView bytes);

/// Addresses and protocol number only, of a fragment and of any protocol; `icmp` is set where it can be seen. Error:
/// malformed.
std::expected<Packet, DropReason> parse_network_header(MutableByteView bytes);

/// The packet that the ICMP error `packet` quotes, which may be cut after eight bytes of its transport header. Its
/// source, destination, protocol and echo identifiers are set as by parse_packet.
std::expected<Packet, DropReason> parse_quoted(const Packet& packet);
/// Rewrites the quoted packet's endpoints, and the checksums of it and of the ICMP message around it.
void rewrite_quoted(Packet& packet, Packet& quoted, const Endpoint& source, const Endpoint& destination);

}  // namespace weft::nat
