// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/address.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "sim/ns3/nat_router/packet_bytes.h"

namespace ns3 {
class Ipv4Address;
class Ipv6Address;
}  // namespace ns3

namespace weft::stack {

inline constexpr std::uint16_t kEtherIpv4 = 0x0800, kEtherIpv6 = 0x86DD;

ns3::Ipv4Address to_ns3_v4(const IpAddress& address);
ns3::Ipv6Address to_ns3_v6(const IpAddress& address);
IpAddress from_ns3(const ns3::Ipv4Address& address);
IpAddress from_ns3(const ns3::Ipv6Address& address);
/// The socket address of an endpoint.
ns3::Address to_ns3(const Endpoint& endpoint);
/// An IPv4 or IPv6 socket address.
Endpoint from_ns3(const ns3::Address& address);

/// The EtherType of a whole IP packet.
std::uint16_t ether_type(ByteView ip_packet);

}  // namespace weft::stack
