// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <vector>

#include "sim/nat/expiry_queue.h"
#include "sim/nat/hash_index.h"
#include "sim/nat/packet.h"

namespace weft::nat {

/// The tuples that unsolicited inbound packets hold (PrematureInbound::occupies): netfilter confirms such a flow to the
/// box itself, and gives the same tuple to nobody else until it has been silent for the unreplied lifetime.
class OccupiedTuples {
 public:
  /// `external` is taken towards `remote` until `until`.
  void occupy(Protocol protocol, const Endpoint& external, const Endpoint& remote, Time until);
  bool occupied(Protocol protocol, const Endpoint& external, const Endpoint& remote) const;
  void expire(Time now);

 private:
  struct Tuple {
    Protocol protocol = Protocol::udp;
    Endpoint external;
    Endpoint remote;
    Time until;
    std::uint32_t generation = 0;
  };
  std::uint32_t find(std::uint32_t hash, Protocol protocol, const Endpoint& external, const Endpoint& remote) const;

  std::vector<Tuple> tuples_;
  std::vector<std::uint32_t> free_;
  HashIndex index_;
  ExpiryQueue reminders_;
};

}  // namespace weft::nat
