// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/convert.h"

#include <ns3/inet-socket-address.h>
#include <ns3/inet6-socket-address.h>
#include <ns3/ipv4-address.h>
#include <ns3/ipv6-address.h>

#include <algorithm>
#include <array>

#include "mesh/base/assert.h"

namespace weft::stack {

ns3::Ipv4Address to_ns3_v4(const IpAddress& address) { return ns3::Ipv4Address(address.v4_host_order()); }

ns3::Ipv6Address to_ns3_v6(const IpAddress& address) {
  WEFT_ASSERT(address.is_v6());
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(address.bytes(), bytes.begin());
  return ns3::Ipv6Address(bytes.data());
}

IpAddress from_ns3(const ns3::Ipv4Address& address) { return IpAddress::v4(address.Get()); }

IpAddress from_ns3(const ns3::Ipv6Address& address) {
  std::array<std::uint8_t, 16> bytes{};
  address.GetBytes(bytes.data());
  return IpAddress::v6(bytes);
}

ns3::Address to_ns3(const Endpoint& endpoint) {
  if (endpoint.address.is_v4()) return ns3::InetSocketAddress(to_ns3_v4(endpoint.address), endpoint.port);
  return ns3::Inet6SocketAddress(to_ns3_v6(endpoint.address), endpoint.port);
}

Endpoint from_ns3(const ns3::Address& address) {
  if (ns3::InetSocketAddress::IsMatchingType(address)) {
    const auto inet = ns3::InetSocketAddress::ConvertFrom(address);
    return {from_ns3(inet.GetIpv4()), inet.GetPort()};
  }
  const auto inet6 = ns3::Inet6SocketAddress::ConvertFrom(address);
  return {from_ns3(inet6.GetIpv6()), inet6.GetPort()};
}

std::uint16_t ether_type(ByteView ip_packet) { return ip_packet[0] >> 4 == 6 ? kEtherIpv6 : kEtherIpv4; }

}  // namespace weft::stack
