// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "mesh/base/time.h"
#include "mesh/stun/datagram.h"
#include "mesh/stun/message.h"

namespace weft::stun {

/// Answers that a server holds until their time (RESPONSE-DELAY, attributes.h). Bounded, in all and for each address,
/// since anybody may ask: what does not fit is refused. A repeated request restarts its wait.
class DelayedAnswers {
 public:
  static constexpr std::size_t kMost = 4096;
  static constexpr std::size_t kMostPerAddress = 64;
  static constexpr Duration kLongest = 600s;

  /// False if there is no room, or `at` is too far.
  bool add(Time now, Duration delay, const Endpoint& client, const TransactionId& id, Datagram answer);
  /// The next answer that is due.
  std::optional<Datagram> take(Time now);
  std::optional<Time> next() const;

 private:
  using Key = std::pair<Endpoint, TransactionId>;
  void forget(const Key& key);

  struct Waiting {
    Time at;
    Datagram answer;
  };
  std::map<Key, Waiting> waiting_;
  std::set<std::pair<Time, Key>> order_;
  std::map<IpAddress, std::size_t> per_address_;
};

}  // namespace weft::stun
