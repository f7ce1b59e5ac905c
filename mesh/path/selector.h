// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/packet.h"
#include "mesh/base/time.h"

namespace weft::path {

/// Which path carries a peer's data. Trust in a direct path comes from answered probes, not from a timer alone:
///   relayed   no direct path is known; the relay carries all
///   trusted   a direct path answers; it carries all
///   suspect   under send, no probe was answered for max(3·RTT, 200 ms): data goes out on both. An answer makes the
///   path
///             trusted again; 2 s without one lead back to `relayed`. Without a relay the path is kept for the
///             consent's 30 s.
/// A direct path that carried nothing for kIdleAfter is given up without harm: the next packet takes the relay and
/// finds it anew.
class Selector {
 public:
  enum class Transition : std::uint8_t { none, suspected, fallen_back, lapsed };

  static constexpr Duration kMinSuspicion = 200ms;
  static constexpr Duration kMaxDuplication = 2s;
  /// RFC 7675 §5.1, here for a path that is in use.
  static constexpr Duration kConsent = 30s;
  /// While data is sent, a probe asks for an answer each max(RTT, this) (mechanisms.md 16).
  static constexpr Duration kMinProbeInterval = 100ms;
  /// Netfilter forgets an unanswered flow after 30 s, and RFC 4787 REQ-5's two minutes are not kept by all: stay below
  /// both.
  static constexpr Duration kKeepalivePeriod = 25s;
  static constexpr Duration kIdleAfter = 5min;
  /// A better path replaces a good one no sooner than this after the last change, except in the first second, when the
  /// answers of one burst are compared.
  static constexpr Duration kMinDwell = 5s;

  void set_relay(std::optional<PathId> relay) { relay_ = relay; }
  /// A probe sent on `path` at `sent` was answered; `one_way`: the answer came through the relay.
  void confirm(Time now, const PathId& path, Time sent, bool one_way);
  /// The chosen path was probed.
  void probe_sent(Time now);
  void data_sent(Time now) { last_sent_ = last_use_ = now; }
  void data_received(Time now) { last_use_ = now; }
  /// The other side suspects the path: ask now.
  void doubt(Time now);
  /// The other side seems to have lost the path: ask now, and send on the relay too, unless it has just been confirmed.
  Transition question(Time now);
  /// Gives the direct path up.
  void drop();
  /// Moves on what is due.
  Transition advance(Time now);

  bool probe_due(Time now) const { return direct_ && next_probe() <= now; }
  std::optional<Time> next_deadline() const;
  /// nullopt: there is no way to the peer.
  std::optional<PathId> chosen() const { return direct_ ? std::optional(direct_->path) : relay_; }
  /// Where each datagram goes as well, while the chosen path is suspect.
  std::optional<PathId> duplicate() const { return suspect_since_ ? relay_ : std::nullopt; }
  const std::optional<PathId>& relay() const { return relay_; }
  bool direct() const { return direct_.has_value(); }
  bool one_way() const { return direct_ && direct_->one_way; }
  bool suspect() const { return suspect_since_.has_value(); }
  bool in_use(Time now) const { return last_use_ && now - *last_use_ < kIdleAfter; }
  void use(Time now) { last_use_ = now; }
  std::optional<Duration> rtt() const { return direct_ ? std::optional(direct_->rtt) : std::nullopt; }

 private:
  struct Direct {
    PathId path;
    Duration rtt{0};  // smoothed by 1/8
    Time chosen_at;
    Time last_confirmed;
    bool one_way = false;
  };
  void adopt(Time now, const PathId& path, Duration rtt, bool one_way);
  bool better(Time now, Duration rtt, bool one_way) const;
  Time next_probe() const;
  Duration suspicion() const { return std::max(3 * direct_->rtt, kMinSuspicion); }
  Time give_up_at() const;

  std::optional<PathId> relay_;
  std::optional<Direct> direct_;
  std::optional<Time> last_sent_, last_use_, last_probe_;
  std::optional<Time> unanswered_since_;  // the first probe after the last answered one
  std::optional<Time> suspect_since_;
};

}  // namespace weft::path
