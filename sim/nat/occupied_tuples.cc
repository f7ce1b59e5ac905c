// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/occupied_tuples.h"

#include <algorithm>

namespace weft::nat {
namespace {

std::uint32_t hash_of(Key external, Key remote) { return HashState().add(external.bits()).add(remote.bits()).value(); }

}  // namespace

std::uint32_t OccupiedTuples::find(std::uint32_t hash, Key external, Key remote) const {
  return index_.find(hash, [&](std::uint32_t record) {
    return tuples_[record].external == external && tuples_[record].remote == remote;
  });
}

void OccupiedTuples::occupy(Key external, Key remote, Time until) {
  const std::uint32_t hash = hash_of(external, remote);
  std::uint32_t record = find(hash, external, remote);
  if (record != HashIndex::kNone) {
    tuples_[record].until = std::max(tuples_[record].until, until);
    return;
  }
  record = tuples_.take();
  const std::uint32_t generation = tuples_[record].generation + 1;
  tuples_[record] = {external, remote, until, generation};
  index_.insert(hash, record);
  reminders_.add({until, record, generation});
}

bool OccupiedTuples::occupied(Key external, Key remote) const {
  return index_.size() > 0 && find(hash_of(external, remote), external, remote) != HashIndex::kNone;
}

void OccupiedTuples::drop_due(Time now) {
  while (reminders_.due(now)) {
    const auto reminder = reminders_.take();
    Tuple& tuple = tuples_[reminder.record];
    if (tuple.until > now) {
      reminders_.add({tuple.until, reminder.record, reminder.generation});
      continue;
    }
    index_.erase(hash_of(tuple.external, tuple.remote), reminder.record);
    tuple.external = {};
    tuples_.give_back(reminder.record);
  }
}

}  // namespace weft::nat
