// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/wake_queue.h"

namespace weft::wireguard {

void WakeQueue::update(PeerId peer, std::optional<Time> wanted) {
  const auto found = scheduled_.find(peer);
  if (!wanted) {
    if (found == scheduled_.end()) return;
    order_.erase({found->second, peer});
    scheduled_.erase(found);
    return;
  }
  if (found == scheduled_.end()) {
    scheduled_.emplace(peer, *wanted);
    order_.emplace(*wanted, peer);
  } else if (*wanted < found->second) {
    auto node = order_.extract({found->second, peer});
    node.value().first = found->second = *wanted;
    order_.insert(std::move(node));
  }
}

std::optional<Time> WakeQueue::next() const {
  if (order_.empty()) return std::nullopt;
  return order_.begin()->first;
}

std::optional<PeerId> WakeQueue::pop_due(Time now) {
  if (order_.empty() || order_.begin()->first > now) return std::nullopt;
  const PeerId peer = order_.begin()->second;
  remove(peer);
  return peer;
}

}  // namespace weft::wireguard
