// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/nat_pmp_client.h"

namespace weft::portmap {
namespace {

using Kind = RequestQueue::Kind;

NatPmpOpcode opcode_for(Protocol protocol) {
  return protocol == Protocol::udp ? NatPmpOpcode::map_udp : NatPmpOpcode::map_tcp;
}

PortmapError error_of(std::uint16_t result) {
  switch (static_cast<NatPmpResult>(result)) {
    case NatPmpResult::not_authorised:
      return PortmapError::not_authorised;
    case NatPmpResult::network_failure:
      return PortmapError::network_failure;
    case NatPmpResult::out_of_resources:
      return PortmapError::no_resources;
    case NatPmpResult::unsupported_version:
    case NatPmpResult::unsupported_opcode:
      return PortmapError::unsupported;
    case NatPmpResult::success:
      break;
  }
  return PortmapError::other;
}

bool answers(const RequestQueue::Job& job, const NatPmpResponse& response) {
  if (job.kind == Kind::probe) return response.opcode == NatPmpOpcode::external_address;
  if (response.opcode != opcode_for(job.wish.protocol)) return false;
  return response.result != 0 || response.internal_port == job.wish.internal_port;
}

}  // namespace

void NatPmpClient::probe(Time now) { queue_.push(now, {Kind::probe, {}, encode(NatPmpRequest{})}); }

void NatPmpClient::map(Time now, const Wish& wish, std::uint16_t suggested_port, Duration lifetime) {
  probe(now);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime).count();
  queue_.push(now, {Kind::map, wish,
                    encode(NatPmpRequest{.opcode = opcode_for(wish.protocol),
                                         .internal_port = wish.internal_port,
                                         .suggested_port = suggested_port,
                                         .lifetime_s = static_cast<std::uint32_t>(seconds)})});
}

/// RFC 6886 §3.4.
void NatPmpClient::unmap(Time now, const Wish& wish) {
  queue_.push(now, {Kind::unmap, wish,
                    encode(NatPmpRequest{.opcode = opcode_for(wish.protocol), .internal_port = wish.internal_port})});
}

void NatPmpClient::handle_datagram(Time now, const Endpoint& from, ByteView datagram) {
  if (from != queue_.server()) return;
  if (const auto response = parse_nat_pmp_response(datagram)) handle_response(now, *response);
}

void NatPmpClient::handle_response(Time now, const NatPmpResponse& response) {
  if (epoch_.note(now, response.epoch_s)) queue_.tell(Restarted{});
  const auto* job = queue_.current();
  if (job == nullptr || !answers(*job, response)) return;
  const auto [kind, wish, request] = queue_.finish(now);
  if (kind == Kind::probe) {
    if (response.result == 0) external_ = response.external_address;
    queue_.tell(Found{response.result == 0 ? external_ : std::nullopt});
  } else if (kind == Kind::map && response.result != 0) {
    queue_.tell(Refused{wish, error_of(response.result), response.result});
  } else if (kind == Kind::map && response.lifetime_s > 0) {
    if (!external_) return queue_.tell(Refused{wish, PortmapError::network_failure, 0});
    queue_.tell(Granted{wish, {*external_, response.external_port}, std::chrono::seconds{response.lifetime_s}});
  }
}

}  // namespace weft::portmap
