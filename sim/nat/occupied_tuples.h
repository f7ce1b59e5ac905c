// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "sim/nat/expiry_queue.h"
#include "sim/nat/key.h"
#include "sim/nat/slab.h"

namespace weft::nat {

/// The tuples that unsolicited inbound packets hold (PrematureInbound::occupies): netfilter confirms such a flow to the
/// box itself, and gives the same tuple to nobody else until it has been silent for the unreplied lifetime.
class OccupiedTuples {
 public:
  /// `external` is taken towards `remote` until `until`.
  void occupy(Key external, Key remote, Time until);
  bool occupied(Key external, Key remote) const;
  void expire(Time now) {
    if (reminders_.due(now)) drop_due(now);
  }

  template <typename Visit>
  void for_each_key(const Visit& visit) const {
    for (std::uint32_t at = 0; at < tuples_.size(); ++at) {
      if (tuples_[at].external.empty()) continue;
      visit(tuples_[at].external);
      visit(tuples_[at].remote);
    }
  }

 private:
  struct Tuple {
    Key external;  // empty: the record is free
    Key remote;
    Time until;
    std::uint32_t generation = 0;
  };
  std::uint32_t find(std::uint32_t hash, Key external, Key remote) const;
  void drop_due(Time now);

  Slab<Tuple> tuples_;
  HashIndex index_;
  ExpiryQueue reminders_;
};

}  // namespace weft::nat
