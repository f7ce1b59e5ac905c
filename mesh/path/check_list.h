// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mesh/base/optional_time.h"
#include "mesh/base/packet.h"
#include "mesh/base/time.h"
#include "mesh/path/candidate.h"

namespace weft::path {

/// The pairs of (our socket, peer's candidate) and when each is probed next: a burst at 0, 20, 60, 140 and 300 ms, then
/// each second until stop(). Four spaced copies bring the failure of a round below 1e-3 at 5 % loss
/// (reference/nat-traversal.md §2.4). Pairs: waiting → in_progress at the first probe → succeeded or one_way.
class CheckList {
 public:
  enum class PairState : std::uint8_t { waiting, in_progress, one_way, succeeded };
  struct Pair {
    PathId path;
    CandidateKind kind = CandidateKind::host;
    std::uint32_t priority = 0;
    PairState state = PairState::waiting;
    bool only_opens = false;  // its probes are for our own NATs, as long as the peer has not been heard from there
    unsigned step = 0;        // probes sent in this burst
    OptionalTime next = {};   // none: not to be probed
    OptionalTime last_sent = {};
    unsigned probes = 0;               // ever sent
    std::optional<Duration> rtt = {};  // of the last answer
  };
  /// Learned addresses kept beside the published ones; the oldest that never answered goes first.
  static constexpr std::size_t kMaxPeerReflexive = 8;
  /// Two probes of one pair are never closer than this, whatever triggers them.
  static constexpr Duration kMinSpacing = 10ms;

  /// Replaces the published pairs; a pair that stays keeps its state, and learned ones stay. `remote` has passed
  /// probeable().
  void set_remote(const std::vector<LocalSocket>& sockets, const std::vector<Candidate>& remote);
  /// Begins the burst of every pair at `at` (not before its spacing allows).
  void start(Time at);
  void stop();
  /// Forgets results and learned pairs: the network below has changed.
  void reset();
  /// An authenticated probe came from `from`: probe that pair at once (triggered check), learning it if it is new.
  void trigger(Time now, const PathId& from);
  /// The peer may come from there although nobody has told so: opens our NATs for it, learning the pair if it is new.
  void open(Time now, const PathId& from);
  /// Whether probes of the pair must not get as far as the peer's NATs.
  bool only_opens(const PathId& path) const;
  void mark(const PathId& path, PairState state);
  /// The probe of a pair was answered after `rtt`.
  void answered(const PathId& path, Duration rtt);

  /// The most urgent pair whose probe is due, moved on to its next step; nullopt if none is.
  std::optional<PathId> take_due(Time now);
  std::optional<Time> next_deadline() const;
  /// A pair in `state`, the one of highest priority.
  std::optional<PathId> best(PairState state) const;
  bool knows(const PathId& path) const;
  const std::vector<Pair>& pairs() const { return pairs_; }

 private:
  Pair* find(const PathId& path);
  void learn(const PathId& from);

  std::vector<Pair> pairs_;  // by descending priority, then path
};

}  // namespace weft::path
