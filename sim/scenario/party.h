// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"
#include "sim/nat/nat.h"
#include "sim/scenario/nat_models.h"

namespace weft::sim {

/// A host behind its gateways, with the NAT engine alone and no network between: what the oracles of the connectivity
/// matrix are made of.
class Party {
 public:
  /// `number` (1 or 2) says which of the two it is; `ipv6`: it has native IPv6 beside IPv4 (SitePlan::ipv6).
  Party(const NatChain& chain, std::uint8_t number, std::uint64_t seed, bool ipv6 = false);

  /// Another source port from now on.
  void set_port(std::uint16_t port) { host_.port = native_.port = port; }
  /// The packet as the Internet sees it; nullopt if a gateway keeps it.
  std::optional<Bytes> send(Time now, const Endpoint& destination);
  /// Takes a packet from the Internet; the sender's endpoint if it reached the host.
  std::optional<Endpoint> receive(Time now, Bytes packet);
  /// Our endpoint as `server` sees it, if its answer comes back.
  std::optional<Endpoint> reflexive(Time now, const Endpoint& server);

  /// Our own IPv6 endpoint: what other such hosts can reach without translation.
  std::optional<Endpoint> native() const { return native_.port != 0 ? std::optional(native_) : std::nullopt; }

  std::set<Endpoint> remotes;  // of the other: told or heard

 private:
  SeededRandom random_;
  const Endpoint* source_for(const Endpoint& destination) const;

  Endpoint host_;                // behind a NAT64: native_
  Endpoint native_;              // port 0: none
  std::optional<Prefix> nat64_;  // of the layer next to the host
  std::vector<std::unique_ptr<nat::Nat>> gateways_;
};

}  // namespace weft::sim
