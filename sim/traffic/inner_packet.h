// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft::traffic {

/// An ICMP or ICMPv6 echo message (RFC 792, RFC 4443 §4).
struct EchoMessage {
  IpAddress source, destination;
  bool reply = false;
  std::uint16_t identifier = 0, sequence = 0;
};
/// A whole IP packet with `payload`; the family is the destination's.
Bytes make_echo(const EchoMessage& message, ByteView payload);
struct ParsedEcho {
  EchoMessage message;
  ByteView payload;
};
/// nullopt for anything else, and for a bad checksum.
std::optional<ParsedEcho> parse_echo(ByteView packet);

/// A whole IP packet with a UDP datagram.
Bytes make_udp(const Endpoint& source, const Endpoint& destination, ByteView payload);
struct ParsedUdp {
  Endpoint source, destination;
  ByteView payload;
};
std::optional<ParsedUdp> parse_udp(ByteView packet);

}  // namespace weft::traffic
