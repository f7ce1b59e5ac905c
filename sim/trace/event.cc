// SPDX-License-Identifier: GPL-2.0-only
#include "sim/trace/event.h"

#include <algorithm>
#include <array>

namespace weft::tracing {
namespace {

constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpV6 = 58;

bool is_echo(std::uint8_t protocol, std::uint8_t type) {
  return protocol == kIcmp ? type == 0 || type == 8 : type == 128 || type == 129;
}

/// Ports from the first bytes of a transport header; a later fragment has none.
void read_ports(Flow& flow, ByteView transport) {
  if (transport.size() < 8) return;
  if (flow.protocol == kUdp || flow.protocol == kTcp) {
    flow.from.port = load_u16be(&transport[0]);
    flow.to.port = load_u16be(&transport[2]);
  } else if ((flow.protocol == kIcmp || flow.protocol == kIcmpV6) && is_echo(flow.protocol, transport[0])) {
    flow.from.port = flow.to.port = load_u16be(&transport[4]);
  }
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::inner_sent:
      return "inner_sent";
    case Kind::inner_received:
      return "inner_received";
    case Kind::sent:
      return "sent";
    case Kind::received:
      return "received";
    case Kind::translated:
      return "translated";
    case Kind::dropped:
      return "dropped";
    case Kind::agent:
      return "agent";
  }
  return "unknown";
}

std::string_view to_string(Interface interface) {
  switch (interface) {
    case Interface::eth0:
      return "eth0";
    case Interface::outside:
      return "outside";
    case Interface::inside:
      return "inside";
    case Interface::tun:
      return "weft0";
    case Interface::none:
      break;
  }
  return "";
}

std::optional<Flow> flow_of(ByteView packet) {
  Flow flow;
  if (packet.size() >= 20 && packet[0] >> 4 == 4) {
    flow.protocol = packet[9];
    flow.from.address = IpAddress::v4(load_u32be(&packet[12]));
    flow.to.address = IpAddress::v4(load_u32be(&packet[16]));
    const std::size_t header = std::size_t{packet[0] & 15u} * 4;
    const bool later_fragment = (load_u16be(&packet[6]) & 0x1FFF) != 0;
    if (!later_fragment && packet.size() > header) read_ports(flow, packet.subspan(header));
    return flow;
  }
  if (packet.size() >= 40 && packet[0] >> 4 == 6) {
    flow.protocol = packet[6];
    std::array<std::uint8_t, 16> address{};
    std::copy_n(&packet[8], 16, address.begin());
    flow.from.address = IpAddress::v6(address);
    std::copy_n(&packet[24], 16, address.begin());
    flow.to.address = IpAddress::v6(address);
    read_ports(flow, packet.subspan(40));
    return flow;
  }
  return std::nullopt;
}

}  // namespace weft::tracing
