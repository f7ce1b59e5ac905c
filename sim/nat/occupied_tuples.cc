// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/occupied_tuples.h"

#include <algorithm>

namespace weft::nat {
namespace {

std::uint32_t hash_of(Protocol protocol, const Endpoint& external, const Endpoint& remote) {
  return HashState().add(static_cast<std::uint64_t>(protocol)).add(external).add(remote).value();
}

}  // namespace

std::uint32_t OccupiedTuples::find(std::uint32_t hash, Protocol protocol, const Endpoint& external,
                                   const Endpoint& remote) const {
  return index_.find(hash, [&](std::uint32_t record) {
    const Tuple& tuple = tuples_[record];
    return tuple.protocol == protocol && tuple.external == external && tuple.remote == remote;
  });
}

void OccupiedTuples::occupy(Protocol protocol, const Endpoint& external, const Endpoint& remote, Time until) {
  const std::uint32_t hash = hash_of(protocol, external, remote);
  std::uint32_t record = find(hash, protocol, external, remote);
  if (record != HashIndex::kNone) {
    tuples_[record].until = std::max(tuples_[record].until, until);
    return;
  }
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(tuples_.size()));
    tuples_.emplace_back();
  }
  record = free_.back();
  free_.pop_back();
  const std::uint32_t generation = tuples_[record].generation + 1;
  tuples_[record] = {protocol, external, remote, until, generation};
  index_.insert(hash, record);
  reminders_.add({until, record, generation});
}

bool OccupiedTuples::occupied(Protocol protocol, const Endpoint& external, const Endpoint& remote) const {
  return index_.size() > 0 && find(hash_of(protocol, external, remote), protocol, external, remote) != HashIndex::kNone;
}

void OccupiedTuples::expire(Time now) {
  while (reminders_.due(now)) {
    const auto reminder = reminders_.take();
    const Tuple& tuple = tuples_[reminder.record];
    if (tuple.until > now) {
      reminders_.add({tuple.until, reminder.record, reminder.generation});
      continue;
    }
    index_.erase(hash_of(tuple.protocol, tuple.external, tuple.remote), reminder.record);
    free_.push_back(reminder.record);
  }
}

}  // namespace weft::nat
