// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "mesh/base/time.h"
#include "mesh/wireguard/events.h"

namespace weft::wireguard {

/// Which peer to wake when. A wake-up may come earlier than wanted, never later: a deadline that only moves back, as
/// each packet moves some, costs a comparison.
class WakeQueue {
 public:
  void update(PeerId peer, std::optional<Time> wanted);
  void remove(PeerId peer) { update(peer, std::nullopt); }
  std::optional<Time> next() const;
  /// Takes a peer whose wake-up is due, in order of time and then number; nullopt: no more.
  std::optional<PeerId> pop_due(Time now);

 private:
  std::set<std::pair<Time, PeerId>> order_;
  std::unordered_map<PeerId, Time> scheduled_;
};

}  // namespace weft::wireguard
