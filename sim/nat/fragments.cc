// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/fragments.h"

namespace weft::nat {

void FragmentTable::remember(Time now, const FragmentKey& key, const FragmentRoute& route) {
  entries_[next_] = {key, route, now + kLifetime};
  next_ = (next_ + 1) % entries_.size();
}

const FragmentRoute* FragmentTable::find(Time now, const FragmentKey& key) const {
  // From the youngest on: identifications come round again.
  for (std::size_t back = 1; back <= entries_.size(); ++back) {
    const Entry& entry = entries_[(next_ + entries_.size() - back) % entries_.size()];
    if (entry.until > now && entry.key == key) return &entry.route;
  }
  return nullptr;
}

}  // namespace weft::nat
