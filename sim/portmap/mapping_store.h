// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "mesh/portmap/mapping.h"
#include "sim/nat/nat.h"

namespace weft::gateway_portmap {

using portmap::Protocol;

/// What one of the servers has granted.
struct Grant {
  Protocol protocol = Protocol::udp;
  Endpoint internal;
  Endpoint external;  // as the client is told
  std::optional<Time> expires;
};

/// The mappings of a gateway's port-mapping servers, in the NAT, with the faults of its model.
class MappingStore {
 public:
  MappingStore(nat::Nat& nat, Time now) : nat_(nat), began_(now) {}

  struct Request {
    Protocol protocol = Protocol::udp;
    Endpoint internal;
    std::uint16_t suggested_port = 0;
    bool exact = false;
    std::optional<Duration> lifetime;  // nullopt: without end
  };
  /// Behind a firewall without translation, as of IPv6, the external endpoint is the internal one. nullopt: there is no
  /// port. The lifetime is cut to the model's longest.
  std::optional<Grant> add(Time now, const Request& request);
  bool remove(Time now, Protocol protocol, const Endpoint& internal);
  std::vector<Grant> list(Time now);

  /// The IPv4 address that clients are told; nullopt without one.
  std::optional<IpAddress> external_address() const;
  /// Seconds since the state was lost last (RFC 6887 §8.5).
  std::uint32_t epoch_s(Time now) const;
  /// The gateway has restarted: the NAT has forgotten everything, and so does this.
  void restart(Time now);

 private:
  /// An address as a gateway with the fault of this one names it.
  IpAddress as_told(const IpAddress& address) const;
  const nat::PortMapping& offers() const { return nat_.behavior().port_mapping; }

  nat::Nat& nat_;
  Time began_;
  std::map<std::pair<Protocol, Endpoint>, Grant> unreal_;  // of a gateway whose mappings are dead
};

}  // namespace weft::gateway_portmap
