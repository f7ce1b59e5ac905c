// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/base/packet.h"

namespace weft::fabric {

inline constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpV6 = 58;
inline constexpr std::size_t kUdpHeader = 8, kTcpHeader = 20, kIcmpHeader = 8;
constexpr std::size_t ip_header_size(IpFamily family) { return family == IpFamily::v4 ? 20 : 40; }

/// The fields of an IP header that a host chooses (RFC 791 §3.1, RFC 8200 §3).
struct IpFields {
  IpAddress source, destination;
  std::uint8_t protocol = kUdp;
  std::uint8_t ttl = 64;
  Ecn ecn = Ecn::not_ect;
  bool dont_fragment = false;
  std::uint16_t identification = 0;  // IPv4 only
};

/// Writes a header for `payload` bytes at `at`, which has ip_header_size() bytes of room; the family is the
/// destination's.
void write_ip_header(std::uint8_t* at, const IpFields& fields, std::size_t payload);

/// The Internet checksum (RFC 1071) of `bytes`, on top of `sum` of a pseudo header.
std::uint16_t internet_checksum(ByteView bytes, std::uint64_t sum = 0);
/// Computes the checksum of the transport header and payload of a whole IP packet and stores it `field` bytes into the
/// transport header.
void store_transport_checksum(MutableByteView packet, std::size_t field);

/// A parsed IP packet; views into it.
struct IpView {
  IpAddress source, destination;
  std::uint8_t protocol = 0;
  std::uint8_t ttl = 0;
  Ecn ecn = Ecn::not_ect;
  std::size_t header = 0;
  ByteView payload;
};
/// nullopt if the lengths do not agree, for IPv4 options or a bad header checksum, and for fragments.
std::optional<IpView> parse_ip(ByteView packet);
/// Whether UDP, TCP, ICMP or ICMPv6 in `ip` sums up; other protocols pass.
bool transport_checksum_ok(const IpView& ip);

IpAddress source_of(ByteView packet);
IpAddress destination_of(ByteView packet);
IpAddress source_of(ByteView packet);
std::uint8_t ttl_of(ByteView packet);
/// Takes `hops` from the TTL and repairs the header checksum (RFC 1624); `hops` < TTL.
void decrement_ttl(MutableByteView packet, std::uint8_t hops);

/// Why an ICMP error is sent; type and code depend on the family.
enum class IcmpReason : std::uint8_t { time_exceeded, no_route, host_unreachable, port_unreachable, too_big };
/// An ICMP error (RFC 792, RFC 4443 §3) from `reporter` to the source of `offending`, which is quoted. nullopt where
/// RFC 1122 §3.2.2 forbids one: about another ICMP error, or to an unspecified or multicast address.
std::optional<Bytes> make_icmp_error(const IpAddress& reporter, ByteView offending, IcmpReason reason,
                                     std::uint16_t mtu = 0);

/// An ICMP error that a host received, and what the quoted packet was.
struct IcmpErrorView {
  IcmpError error;
  std::uint8_t quoted_protocol = 0;
};
/// nullopt unless `ip` holds an ICMP or ICMPv6 error that quotes UDP or TCP ports.
std::optional<IcmpErrorView> parse_icmp_error(const IpView& ip);
/// The reply to an ICMP or ICMPv6 echo request; nullopt for anything else.
std::optional<Bytes> make_echo_reply(ByteView packet);

}  // namespace weft::fabric
