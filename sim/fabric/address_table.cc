// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/address_table.h"

#include <utility>

namespace weft::fabric {

std::optional<NodeId> AddressTable::find(const IpAddress& address) const {
  if (entries_.empty()) return std::nullopt;
  for (std::size_t at = home(address); entries_[at].used; at = next(at)) {
    if (entries_[at].address == address) return entries_[at].node;
  }
  return std::nullopt;
}

bool AddressTable::insert(const IpAddress& address, NodeId node) {
  if (2 * (used_ + 1) > entries_.size()) grow();
  std::size_t at = home(address);
  for (; entries_[at].used; at = next(at)) {
    if (entries_[at].address == address) return false;
  }
  entries_[at] = {address, true, node};
  ++used_;
  return true;
}

/// Moves up what the gap would cut off from its home (Knuth, volume 3, algorithm 6.4R).
void AddressTable::erase(const IpAddress& address) {
  if (!find(address)) return;
  std::size_t gap = home(address);
  while (entries_[gap].address != address) gap = next(gap);
  const std::size_t mask = entries_.size() - 1;
  for (std::size_t at = next(gap); entries_[at].used; at = next(at)) {
    if (((at - home(entries_[at].address)) & mask) < ((at - gap) & mask)) continue;
    entries_[gap] = entries_[at];
    gap = at;
  }
  entries_[gap] = {};
  --used_;
}

void AddressTable::grow() {
  const std::vector<Entry> old =
      std::exchange(entries_, std::vector<Entry>(entries_.empty() ? 4 : entries_.size() * 2));
  used_ = 0;
  for (const Entry& entry : old) {
    if (entry.used) insert(entry.address, entry.node);
  }
}

}  // namespace weft::fabric
