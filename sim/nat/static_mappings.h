// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "sim/nat/external_pool.h"
#include "sim/nat/nat.h"
#include "sim/nat/table.h"

namespace weft::nat {

/// What port-mapping protocols have opened (RFC 6887 §2.2 "explicit dynamic mappings"): bindings that live for their
/// own time, with or without flows, and that admit any remote endpoint. Where addresses are not translated, as those of
/// IPv6 behind most boxes, it is the internal endpoint itself that is open (RFC 6887 §2.2: a firewall's pinhole). Where
/// subscribers have blocks of ports, the port is one of those (RFC 6888 REQ-9), and nobody gets one that he names.
class StaticMappings {
 public:
  /// `blocks`: the pool whose blocks count; nullptr: subscribers have none.
  StaticMappings(Table& table, const std::vector<IpAddress>& external, ExternalPool* blocks)
      : table_(table), external_(external), blocks_(blocks) {}

  bool empty() const { return by_external_.empty(); }
  void expire(Time now);
  /// The binding that is held open at `external`; kNone if none is.
  std::uint32_t binding_at(Key external) const;
  std::optional<StaticMapping> add(Time now, const StaticRequest& request, bool& created);
  bool remove(Protocol protocol, const Endpoint& internal);
  std::vector<StaticMapping> list() const;

 private:
  struct Held {
    Key internal;
    std::uint32_t binding;
    std::optional<Time> expires;
  };
  std::optional<Key> choose(Protocol protocol, const StaticRequest& request);
  std::optional<std::uint32_t> open(Key internal, const StaticRequest& request, bool& created);
  StaticMapping describe(Key external, const Held& held) const;

  Table& table_;
  const std::vector<IpAddress>& external_;
  ExternalPool* blocks_;
  std::map<std::uint64_t, std::pair<Key, Held>> by_external_;
  std::optional<Time> next_;
};

}  // namespace weft::nat
