// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/fragments.h"

#include <utility>

namespace weft::nat {

void FragmentTable::remember(Time now, const FragmentKey& key, const FragmentRoute& route) {
  if (entries_.size() < kMost) {
    entries_.push_back({key, route, now + kLifetime});
    return;
  }
  entries_[next_] = {key, route, now + kLifetime};
  next_ = (next_ + 1) % kMost;
}

const FragmentRoute* FragmentTable::find(Time now, const FragmentKey& key) const {
  // From the youngest on: identifications come round again.
  for (std::size_t back = 1; back <= entries_.size(); ++back) {
    const Entry& entry = entries_[(next_ + entries_.size() - back) % entries_.size()];
    if (entry.until > now && entry.key == key) return &entry.route;
  }
  return nullptr;
}

bool FragmentTable::hold(Time now, const FragmentKey& key, ByteView packet) {
  std::erase_if(held_, [&](const Held& held) { return held.until <= now; });
  if (held_.size() >= kMost) return false;
  held_.push_back({key, to_bytes(packet), now + kLifetime});
  return true;
}

std::vector<Bytes> FragmentTable::release(Time now, const FragmentKey& key) {
  std::vector<Bytes> released;
  for (Held& held : held_) {
    if (held.key == key && held.until > now) released.push_back(std::move(held.packet));
  }
  std::erase_if(held_, [&](const Held& held) { return held.key == key; });
  return released;
}

}  // namespace weft::nat
