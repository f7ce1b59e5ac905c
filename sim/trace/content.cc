// SPDX-License-Identifier: GPL-2.0-only
#include "sim/trace/content.h"

#include <array>

namespace weft::tracing {
namespace {

constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpV6 = 58;
constexpr std::uint32_t kMagicCookie = 0x2112A442;

/// The rule by which the agent itself tells datagrams apart.
std::string_view datagram(ByteView payload) {
  if (payload.size() >= 20 && load_u32be(&payload[4]) == kMagicCookie && (payload[0] & 0xC0) == 0) {
    constexpr std::array<std::string_view, 4> kClasses = {"stun_request", "stun_indication", "stun_success",
                                                          "stun_error"};
    return kClasses[(payload[0] & 1u) << 1 | (payload[1] >> 4 & 1u)];
  }
  if (payload.size() >= 4 && payload[0] >= 1 && payload[0] <= 4 && payload[1] == 0 && payload[2] == 0 &&
      payload[3] == 0) {
    constexpr std::array<std::string_view, 4> kTypes = {"wireguard_initiation", "wireguard_response",
                                                        "wireguard_cookie", "wireguard_data"};
    return kTypes[payload[0] - 1u];
  }
  if (payload.empty()) return "";
  if (payload[0] == 0xD7) return "path_probe";
  return payload[0] == 0xD8 ? "relay_datagram" : "";
}

std::string_view segment(ByteView tcp) {
  constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
  const std::uint8_t flags = tcp[13];
  if (flags & kRst) return "tcp_rst";
  if (flags & kSyn) return flags & kAck ? "tcp_syn_ack" : "tcp_syn";
  if (flags & kFin) return "tcp_fin";
  return tcp.size() > static_cast<std::size_t>(tcp[12] >> 4) * 4 ? "tcp_data" : "tcp_ack";
}

std::string_view icmp(std::uint8_t type, bool v6) {
  if (type == (v6 ? 128 : 8)) return "icmp_echo_request";
  if (type == (v6 ? 129 : 0)) return "icmp_echo_reply";
  if (type == (v6 ? 1 : 3)) return "icmp_unreachable";
  if (type == (v6 ? 3 : 11)) return "icmp_time_exceeded";
  return v6 && type == 2 ? "icmp_too_big" : "icmp_other";
}

}  // namespace

std::string_view content_of(ByteView packet) {
  if (packet.empty()) return "";
  const bool v6 = packet[0] >> 4 == 6;
  const std::size_t header = v6 ? 40 : std::size_t{packet[0] & 15u} * 4;
  if (packet.size() < header + 8 || header < 20) return "";
  if (!v6 && (load_u16be(&packet[6]) & 0x1FFF) != 0) return "fragment";
  const std::uint8_t protocol = v6 ? packet[6] : packet[9];
  const ByteView rest = packet.subspan(header);
  if (protocol == kUdp) return datagram(rest.subspan(8));
  if (protocol == kTcp) return rest.size() < 20 ? "" : segment(rest);
  return protocol == kIcmp || protocol == kIcmpV6 ? icmp(rest[0], v6) : "";
}

std::string_view protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case kUdp:
      return "udp";
    case kTcp:
      return "tcp";
    case kIcmp:
      return "icmp";
    case kIcmpV6:
      return "icmpv6";
    default:
      return "other";
  }
}

}  // namespace weft::tracing
