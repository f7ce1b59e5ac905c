// SPDX-License-Identifier: GPL-2.0-only
#include "sim/portmap/mapping_store.h"

#include <algorithm>

#include "sim/nat/packet.h"

namespace weft::gateway_portmap {
namespace {

using nat::MappingFault;

nat::Protocol to_nat(Protocol protocol) { return protocol == Protocol::udp ? nat::Protocol::udp : nat::Protocol::tcp; }

Protocol from_nat(nat::Protocol protocol) { return protocol == nat::Protocol::udp ? Protocol::udp : Protocol::tcp; }

}  // namespace

std::optional<IpAddress> MappingStore::external_address() const {
  const auto own = std::ranges::find_if(nat_.external(), &IpAddress::is_v4);
  if (own == nat_.external().end()) return std::nullopt;
  return as_told(*own);
}

IpAddress MappingStore::as_told(const IpAddress& address) const {
  if (offers().fault != MappingFault::wrong_address) return address;
  Bytes neighbour = to_bytes(address.bytes());
  neighbour.back() ^= 1;
  return *IpAddress::from_bytes(neighbour);
}

std::optional<Grant> MappingStore::add(Time now, const Request& request) {
  std::optional<Duration> lifetime = request.lifetime;
  if (lifetime) lifetime = std::min(*lifetime, offers().max_lifetime);
  if (offers().fault == MappingFault::dead) {
    const bool v6 = request.internal.address.is_v6();
    const auto told = v6 ? std::optional(request.internal.address) : external_address();
    if (!told) return std::nullopt;
    const std::uint16_t port = request.suggested_port != 0 && !v6 ? request.suggested_port : request.internal.port;
    Grant grant{request.protocol, request.internal, {*told, port}, std::nullopt};
    if (lifetime) grant.expires = now + *lifetime;
    return unreal_[{request.protocol, request.internal}] = grant;
  }
  const auto mapping = nat_.add_static_mapping(now, {.protocol = to_nat(request.protocol),
                                                     .internal = request.internal,
                                                     .suggested_port = request.suggested_port,
                                                     .exact = request.exact,
                                                     .lifetime = lifetime});
  if (!mapping) return std::nullopt;
  const Endpoint told{as_told(mapping->external.address), mapping->external.port};
  return Grant{request.protocol, request.internal, told, mapping->expires};
}

bool MappingStore::remove(Time now, Protocol protocol, const Endpoint& internal) {
  const bool unreal = unreal_.erase({protocol, internal}) > 0;
  return nat_.remove_static_mapping(now, to_nat(protocol), internal) || unreal;
}

std::vector<Grant> MappingStore::list(Time now) {
  std::erase_if(unreal_, [&](const auto& each) { return each.second.expires && *each.second.expires <= now; });
  std::vector<Grant> out;
  for (const auto& [key, grant] : unreal_) out.push_back(grant);
  for (const auto& each : nat_.static_mappings(now)) {
    const Endpoint told{as_told(each.external.address), each.external.port};
    out.push_back({from_nat(each.protocol), each.internal, told, each.expires});
  }
  return out;
}

std::uint32_t MappingStore::epoch_s(Time now) const {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now - began_).count());
}

void MappingStore::restart(Time now) {
  began_ = now;
  unreal_.clear();
}

}  // namespace weft::gateway_portmap
