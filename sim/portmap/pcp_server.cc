// SPDX-License-Identifier: GPL-2.0-only
#include "sim/portmap/pcp_server.h"

#include <algorithm>

namespace weft::gateway_portmap {
namespace {

using portmap::NatPmpOpcode;
using portmap::NatPmpResult;
using portmap::PcpOpcode;
using portmap::PcpOption;
using portmap::PcpResult;

constexpr std::uint32_t kErrorLifetime = 30;  // RFC 6887 §7.4: short for what may soon be otherwise
constexpr std::uint8_t kResponse = 0x80;

std::uint32_t seconds_left(Time now, const Grant& grant) {
  if (!grant.expires) return 0xFFFFFFFF;
  return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(*grant.expires - now).count());
}

bool has(const portmap::PcpRequest& request, PcpOption option) {
  return std::ranges::find(request.options, static_cast<std::uint8_t>(option)) != request.options.end();
}

/// RFC 6886 §3.5: version 0, result 1.
Bytes other_version_nat_pmp(std::uint8_t opcode, std::uint32_t epoch_s) {
  return Writer().u8(0).u8(static_cast<std::uint8_t>(kResponse | opcode)).u16be(1).u32be(epoch_s).take();
}

}  // namespace

std::optional<Bytes> PcpServer::handle_datagram(Time now, const Endpoint& from, ByteView datagram,
                                                const nat::PortMapping& offers) {
  if (datagram.size() < 2 || (datagram[1] & kResponse) != 0) return std::nullopt;
  const bool nat_pmp = datagram[0] == portmap::kNatPmpVersion;
  const bool offers_nat_pmp = offers.nat_pmp && from.address.is_v4();  // RFC 6886 knows IPv4 alone
  if (nat_pmp ? offers_nat_pmp : offers.pcp) {
    if (!nat_pmp) return answer_pcp(now, from, datagram);
    const auto request = portmap::parse_nat_pmp_request(datagram);
    return request ? std::optional(answer_nat_pmp(now, from, *request)) : std::nullopt;
  }
  if (offers_nat_pmp) return other_version_nat_pmp(datagram[1], store_.epoch_s(now));
  if (!offers.pcp) return std::nullopt;
  return encode(portmap::PcpResponse{.result = static_cast<std::uint8_t>(PcpResult::unsupported_version),
                                     .lifetime_s = kErrorLifetime,
                                     .epoch_s = store_.epoch_s(now),
                                     .map = {}});
}

Bytes PcpServer::answer_nat_pmp(Time now, const Endpoint& from, const portmap::NatPmpRequest& request) {
  portmap::NatPmpResponse response{.opcode = request.opcode, .epoch_s = store_.epoch_s(now)};
  const auto refuse = [&](NatPmpResult why) { response.result = static_cast<std::uint16_t>(why); };
  const auto external = store_.external_address();
  response.internal_port = request.internal_port;
  if (!external) {
    refuse(NatPmpResult::network_failure);
  } else if (request.opcode == NatPmpOpcode::external_address) {
    response.external_address = *external;
  } else {
    const Protocol protocol = request.opcode == NatPmpOpcode::map_udp ? Protocol::udp : Protocol::tcp;
    const Endpoint internal{from.address, request.internal_port};
    if (request.lifetime_s == 0) {
      // RFC 6886 §3.4: port 0 removes all of this host and protocol.
      for (const Grant& each : store_.list(now)) {
        const bool named = each.internal == internal || request.internal_port == 0;
        if (each.protocol == protocol && each.internal.address == from.address && named)
          store_.remove(now, protocol, each.internal);
      }
    } else if (const auto grant = store_.add(now, {.protocol = protocol,
                                                   .internal = internal,
                                                   .suggested_port = request.suggested_port,
                                                   .lifetime = std::chrono::seconds{request.lifetime_s}})) {
      response.external_port = grant->external.port;
      response.lifetime_s = seconds_left(now, *grant);
    } else {
      refuse(NatPmpResult::out_of_resources);
    }
  }
  return encode(response);
}

Bytes PcpServer::answer_pcp(Time now, const Endpoint& from, ByteView datagram) {
  portmap::PcpResponse response{.epoch_s = store_.epoch_s(now), .map = {}};
  const auto refuse = [&](PcpResult why) {
    response.result = static_cast<std::uint8_t>(why);
    response.lifetime_s = kErrorLifetime;
  };
  const auto request = portmap::parse_pcp_request(datagram);
  if (!request) {
    refuse(request.error().result);
    Bytes bytes = encode(response);
    bytes[1] = static_cast<std::uint8_t>(kResponse | request.error().opcode);
    return bytes;
  }
  response.opcode = request->opcode;
  response.map = request->map;
  const bool strange = std::ranges::any_of(request->options, [](std::uint8_t code) {
    return code < 128 && code != static_cast<std::uint8_t>(PcpOption::prefer_failure);
  });
  if (request->client != from.address) {
    refuse(PcpResult::address_mismatch);
  } else if (has(*request, PcpOption::third_party) || strange) {
    refuse(PcpResult::unsupported_option);
  } else if (request->map) {
    map(now, from, *request, response);
  }
  return encode(response);
}

void PcpServer::map(Time now, const Endpoint& from, const portmap::PcpRequest& request,
                    portmap::PcpResponse& response) {
  const auto refuse = [&](PcpResult why) {
    response.result = static_cast<std::uint8_t>(why);
    response.lifetime_s = kErrorLifetime;
  };
  const portmap::PcpMap& asked = *request.map;
  const auto protocol = static_cast<Protocol>(asked.protocol);
  if (protocol != Protocol::udp && protocol != Protocol::tcp) return refuse(PcpResult::unsupported_protocol);
  if (asked.internal_port == 0) return refuse(PcpResult::malformed_request);
  const Endpoint internal{from.address, asked.internal_port};
  const auto mine = [&](const Grant& each) { return each.protocol == protocol && each.internal == internal; };
  const auto grants = store_.list(now);
  const bool exists = std::ranges::any_of(grants, mine);
  if (!exists) owners_.erase({protocol, internal});
  const auto owner = owners_.find({protocol, internal});
  if (owner != owners_.end() && owner->second != asked.nonce) return refuse(PcpResult::not_authorised);
  if (request.lifetime_s == 0) {  // RFC 6887 §15.1
    store_.remove(now, protocol, internal);
    owners_.erase({protocol, internal});
    return;
  }
  const auto grant = store_.add(now, {.protocol = protocol,
                                      .internal = internal,
                                      .suggested_port = asked.external.port,
                                      .exact = !exists && has(request, PcpOption::prefer_failure),
                                      .lifetime = std::chrono::seconds{request.lifetime_s}});
  if (!grant) {
    return refuse(has(request, PcpOption::prefer_failure) ? PcpResult::cannot_provide_external
                                                          : PcpResult::no_resources);
  }
  owners_[{protocol, internal}] = asked.nonce;
  response.lifetime_s = seconds_left(now, *grant);
  response.map->external = grant->external;
}

}  // namespace weft::gateway_portmap
