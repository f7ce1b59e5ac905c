// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/pcp_client.h"

#include <utility>

namespace weft::portmap {
namespace {

using Kind = RequestQueue::Kind;

PortmapError error_of(std::uint8_t result) {
  switch (static_cast<PcpResult>(result)) {
    case PcpResult::not_authorised:
      return PortmapError::not_authorised;
    case PcpResult::network_failure:
      return PortmapError::network_failure;
    case PcpResult::no_resources:
    case PcpResult::user_exceeded_quota:
      return PortmapError::no_resources;
    case PcpResult::unsupported_version:
    case PcpResult::unsupported_opcode:
    case PcpResult::unsupported_option:
    case PcpResult::unsupported_protocol:
      return PortmapError::unsupported;
    case PcpResult::malformed_request:
    case PcpResult::malformed_option:
      return PortmapError::malformed;
    case PcpResult::address_mismatch:
      return PortmapError::address_mismatch;
    default:
      return PortmapError::other;
  }
}

}  // namespace

void PcpClient::probe(Time now) {
  queue_.push(now, {Kind::probe, {}, encode(PcpRequest{.client = local_, .map = {}, .options = {}})});
}

Bytes PcpClient::map_request(const Wish& wish, const Endpoint& suggested, std::uint32_t lifetime_s) {
  const auto [nonce, fresh] = nonces_.try_emplace(wish);
  if (fresh) random_.fill(nonce->second);
  return encode(PcpRequest{.opcode = PcpOpcode::map,
                           .lifetime_s = lifetime_s,
                           .client = local_,
                           .map = PcpMap{.nonce = nonce->second,
                                         .protocol = static_cast<std::uint8_t>(wish.protocol),
                                         .internal_port = wish.internal_port,
                                         .external = suggested},
                           .options = {}});
}

void PcpClient::map(Time now, const Wish& wish, const Endpoint& suggested, Duration lifetime) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime).count();
  queue_.push(now, {Kind::map, wish, map_request(wish, suggested, static_cast<std::uint32_t>(seconds))});
}

/// RFC 6887 §15.1: lifetime 0, no suggestion.
void PcpClient::unmap(Time now, const Wish& wish) {
  queue_.push(now, {Kind::unmap, wish, map_request(wish, {IpAddress::any(local_.family()), 0}, 0)});
}

void PcpClient::handle_datagram(Time now, const Endpoint& from, ByteView datagram) {
  if (from != queue_.server()) return;
  if (const auto response = parse_pcp_response(datagram)) return handle_response(now, *response);
  if (queue_.current() != nullptr && says_other_version(datagram)) queue_.fail(now, PortmapError::unsupported);
}

bool PcpClient::answers(const RequestQueue::Job& job, const PcpResponse& response) const {
  if (job.kind == Kind::probe) return response.opcode == PcpOpcode::announce;
  const auto nonce = nonces_.find(job.wish);
  return response.map && nonce != nonces_.end() && response.map->nonce == nonce->second &&
         response.map->protocol == static_cast<std::uint8_t>(job.wish.protocol) &&
         response.map->internal_port == job.wish.internal_port;
}

void PcpClient::handle_response(Time now, const PcpResponse& response) {
  if (epoch_.note(now, response.epoch_s)) queue_.tell(Restarted{});
  const auto* job = queue_.current();
  if (job == nullptr || !answers(*job, response)) return;
  const auto [kind, wish, request] = queue_.finish(now);
  if (kind == Kind::probe) {
    response.result == 0 ? queue_.tell(Found{}) : queue_.tell(NotFound{});
  } else if (kind == Kind::map && response.result != 0) {
    queue_.tell(Refused{wish, error_of(response.result), response.result});
  } else if (kind == Kind::map && response.lifetime_s > 0) {
    queue_.tell(Granted{wish, response.map->external, std::chrono::seconds{response.lifetime_s}});
  }
}

}  // namespace weft::portmap
