// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"
#include "mesh/path/path_status.h"

namespace weft::path {

/// When a pair asks peers that carry (rung 10, docs/design/014-peer-relay.md), and which of them. Peers are named by
/// the owner's numbers. States of a pair:
///
///     none      direct, idle, or still climbing the ladder with a relay meanwhile
///     waiting   for the next attempt: none when the ladder has ended, kStrandedFor when there is no way at all; after
///               one in vain kFirstAgain, doubled each time up to kLongestAgain, or kStrandedAgain
///     trying    carriers are asked, and have kTrial to become worth more than the relay; then they are let go
///     carried   one of them is chosen: looked at again each kTrial, and when that has ended all is as at first
class CarrierAttempts {
 public:
  static constexpr Duration kFirstAgain = 30s;
  static constexpr Duration kLongestAgain = 5min;
  static constexpr Duration kStrandedAgain = 5s;
  static constexpr Duration kStrandedFor = 1s;
  static constexpr Duration kTrial = 15s;
  /// A large network has many that carry, and a pair is content with one.
  static constexpr std::size_t kMaxOptions = 256;

  /// What the owner does for the pair. ask: those that choose() names; drop: all carriers of the pair are let go.
  enum class Step : std::uint8_t { none, ask, drop };

  /// A peer that may be asked to carry.
  struct Option {
    std::uint64_t id = 0;  // given back by choose()
    crypto::PublicKey node_key;
    /// The round trip of our direct path to it, zero while that is not measured; nullopt: there is no direct path.
    std::optional<Duration> direct_rtt;
    bool endpoint_independent = false;  // its NAT's mapping (RFC 4787 §4.1)
  };

  /// The pair's status may be another than before. Never gives ask.
  Step handle_status(Time now, std::uint32_t peer, const PathStatus& status);
  /// Others carry than before: pairs that wait do so no longer.
  void handle_offers(Time now);
  /// The peer is gone.
  void forget(std::uint32_t peer) { pairs_.erase(peer); }

  /// A peer whose attempt is due, or has had its time: call until empty, each time with attempt() or forget() for it.
  std::optional<std::uint32_t> poll_due(Time now) const;
  /// For a peer of poll_due(), whose status this is.
  Step attempt(Time now, std::uint32_t peer, const PathStatus& status);
  /// Whom to ask for the peer with this key, after attempt() has given ask; CarrierLegs::kMaxAsked at most. First those
  /// with a direct path, by round trip; then those whose NAT has one mapping for all; then the others. Among equals the
  /// order is another for each pair and attempt, so that not all ask the same carrier. No more than kMaxOptions count.
  std::vector<std::uint64_t> choose(std::uint32_t peer, const crypto::PublicKey& node_key,
                                    std::span<const Option> options) const;
  std::optional<Time> next_deadline() const;

  /// Those that wait, try or are carried.
  std::vector<std::uint32_t> peers() const;

 private:
  struct Pair {
    Time at;  // the next attempt, or this one's end
    Duration again = kFirstAgain;
    unsigned attempts = 0;  // since it was carried, or began
    bool trying = false;
    std::optional<Time> tried;
  };

  std::map<std::uint32_t, Pair> pairs_;
};

}  // namespace weft::path
