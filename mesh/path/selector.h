// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "mesh/base/optional_time.h"
#include "mesh/base/packet.h"
#include "mesh/base/time.h"
#include "mesh/path/carry.h"
#include "mesh/path/keepalive.h"
#include "mesh/path/path_quality.h"

namespace weft::path {

/// A probe on `path` that left at `sent` was answered. `one_way`: the answer came through the relay.
struct ProbeAnswer {
  PathId path;
  Time sent;
  bool one_way = false;
  std::optional<LossReport> report;  // the peer counts, and the answer came on the probe's own path
};

/// Which path carries a peer's data. Trust in a direct path comes from answered probes, not from a timer alone:
///   relayed   no direct path is known; the relay carries all
///   trusted   a direct path answers; it carries all, unless the relay is worth more (below)
///   suspect   under send, no probe was answered for max(3·RTT, 200 ms), longer where losses are frequent: data goes
///   out
///             on another path as well, for kMaxDuplication at most. An answer makes the path trusted again; else it is
///             given up once another one has answered since and kMaxDuplication is over, and after the consent's 30 s
///             in any case.
/// Two more direct paths are kept warm, one by another socket if there is any: one that answers takes the place of a
/// suspect one. The relay is a path like
/// others: while the direct one is trusted and data is sent, both are measured, and the relay carries the data when it
/// is worth more (PathQuality::worth). A change for the sake of worth needs a gain of a quarter that holds for
/// kSustain, and comes kMinDwell after the last one at the earliest; if the direct path that data went back to
/// disappoints, it has to wait twice as long the next time.
/// A direct path that carried nothing for kKeepAfter is given up without harm: the next packet takes the relay and
/// finds it anew.
/// A path through a peer that carries for us (is_carried) takes the place of a direct one where there is none, and
/// gives way to any that is found; it carries nothing before it was worth a quarter more than the relay, or the relay
/// is gone.
class Selector {
 public:
  enum class Transition : std::uint8_t { none, suspected, fallen_back, lapsed };

  static constexpr Duration kMinSuspicion = 200ms;
  static constexpr Duration kMaxDuplication = 2s;
  /// RFC 7675 §5.1, here for a path that is in use.
  static constexpr Duration kConsent = 30s;
  /// While data is sent, a probe asks for an answer each max(RTT, this) (mechanisms.md 16).
  static constexpr Duration kMinProbeInterval = 100ms;
  /// Nothing is searched for a pair that carried nothing for this long.
  static constexpr Duration kIdleAfter = 5min;
  /// A direct path that was found is kept alive over a weekend, so that the first packet of Monday is direct as well:
  /// with measured lifetimes that is a packet or two a minute.
  static constexpr Duration kKeepAfter = 72h;
  /// Between two changes from a path that works to a better one, except in the first second, when the answers of one
  /// burst are compared.
  static constexpr Duration kMinDwell = 60s;
  static constexpr Duration kMaxDwell = 32min;
  static constexpr Duration kSustain = 500ms;
  /// While data is sent, each path that does not carry it is probed this often; the relay more often for a while when
  /// the direct path loses or is slow, and not before a run of data has lasted as long.
  static constexpr Duration kOtherInterval = 1s;
  /// Data after such a silence is a new run of it (run_since_).
  static constexpr Duration kPause = 2s;
  static constexpr Duration kCompareInterval = 20ms;
  static constexpr Duration kCompareTime = 10s;
  /// The path that was left for a better one, and the relay after that time.
  static constexpr Duration kLeftInterval = 200ms;
  static constexpr Duration kCompareAnew = 2s;
  static constexpr std::size_t kMaxStandby = 2;
  static constexpr Duration kStandbyLife = 50s;

  void set_relay(std::optional<PathId> relay);
  void confirm(Time now, const ProbeAnswer& answer);
  /// How long the direct path may be silent; see keepalive_period().
  void set_keepalive(Duration period) { keepalive_ = period; }
  Duration keepalive() const { return keepalive_; }
  /// The peer has probed the direct path, and was answered: both NATs have seen a packet.
  void kept_by_peer(Time now) { kept_ = now; }
  /// Whether the next probe of the direct path is only to keep it: no data waits to be confirmed.
  bool only_keeping() const { return direct_ && !unanswered_since_ && !confirm_at(); }
  void data_sent(Time now);
  void data_received(Time now, const PathId& from);
  /// The other side suspects the path: ask now.
  void doubt(Time now);
  /// The other side seems to have lost the path: ask now, and send on the relay too, unless it has just been confirmed.
  Transition question(Time now);
  /// These sockets lead nowhere now, or elsewhere: paths by them are forgotten, and the chosen one gives way to one
  /// that is kept warm. If there is none it is suspect at once, without waiting for silence.
  Transition abandon(Time now, const std::vector<std::uint16_t>& sockets);
  /// The other side has abandoned the chosen path, and was heard on `heard`.
  Transition abandoned(Time now, const PathId& heard);
  /// New addresses: for kCompareAnew, the path that answers soonest is chosen, as in the first second.
  void reconsider(Time now) { reconsider_until_ = now + kCompareAnew; }
  /// Whether the path is the direct one, or kept warm.
  bool knows(const PathId& path) const;
  /// That path is no more: another one takes its place at once, and nobody waits for silence.
  void forget(Time now, const PathId& path);
  /// Moves on what is due.
  Transition advance(Time now);

  bool probe_due(Time now) const;
  /// A path whose probe is due and leaves now; call until there is none.
  std::optional<PathId> take_probe(Time now);
  std::optional<Time> next_deadline() const;
  /// nullopt: there is no way to the peer.
  std::optional<PathId> chosen() const { return direct_ && !relay_preferred_ ? std::optional(direct_->path) : relay_; }
  /// Where each datagram goes as well, while the chosen path is suspect.
  std::optional<PathId> duplicate() const { return duplicating_ && !relay_preferred_ ? relay_ : std::nullopt; }
  const std::optional<PathId>& relay() const { return relay_; }
  /// A direct path is known, whether or not it carries the data.
  bool direct() const;
  std::optional<PathId> direct_path() const;
  /// There is no direct path, but one through a peer, whether or not it carries the data.
  bool carried() const;
  bool relay_preferred() const { return relay_preferred_; }
  bool one_way() const { return direct_ && direct_->one_way; }
  bool suspect() const { return suspect_since_.has_value(); }
  /// No data has come or gone for kPause.
  bool quiet(Time now) const { return !last_use_ || now - *last_use_ >= kPause; }
  bool in_use(Time now) const { return last_use_ && now - *last_use_ < kIdleAfter; }
  void use(Time now) { last_use_ = now; }
  std::optional<Duration> rtt() const { return direct_ ? std::optional(direct_->quality.rtt()) : std::nullopt; }
  /// Of the chosen path, as far as it is measured.
  const PathQuality& quality() const { return direct_ && !relay_preferred_ ? direct_->quality : relay_quality_; }

 private:
  struct Direct {
    PathId path;
    PathQuality quality;
    Time chosen_at;  // standby: when it first answered
    Time last_confirmed;
    OptionalTime last_probe;
    bool one_way = false;
  };
  void adopt(Time now, Direct direct);
  void keep_warm(Time now, Direct direct);
  bool better(Time now, const Direct& other) const;
  Transition suspect_now(Time now);
  void confirm_relay(Time now, const ProbeAnswer& answer);
  void drop();
  const Direct& best_standby() const;
  Duration life() const { return carried() ? Duration(kIdleAfter) : Duration(kKeepAfter); }
  void compare(Time now);
  void prefer_relay(Time now, bool preferred);
  bool sending(Time now, Duration since = 1s) const { return last_sent_ && now - *last_sent_ < since; }
  bool doubtful() const;
  Time last_probe() const { return last_probe_.value_or(direct_->chosen_at); }
  Duration probe_interval() const;
  std::optional<Time> confirm_at() const;
  Time next_probe() const;
  std::optional<Time> next_relay_probe() const;
  std::optional<Time> next_standby_probe(const Direct& standby) const;
  Duration suspicion() const;
  std::optional<Time> give_up_at() const;

  std::optional<PathId> relay_;
  PathQuality relay_quality_;
  OptionalTime relay_confirmed_, relay_probe_, relay_unanswered_since_;
  std::optional<Direct> direct_;
  std::vector<Direct> standby_;
  Time reconsider_until_{};
  OptionalTime last_sent_, last_use_, last_probe_;
  OptionalTime last_heard_;        // data, on the direct path
  Time run_since_{};               // the first data after kPause; the epoch: no matter since when, ask now
  bool run_replies_ = false;       // it began as an answer to data
  OptionalTime unanswered_since_;  // the first probe after the last answered one
  OptionalTime suspect_since_;
  bool duplicating_ = false;

  bool relay_preferred_ = false;
  OptionalTime gain_since_;      // the other of direct path and relay is worth more
  OptionalTime doubtful_since_;  // the direct path loses or is slow, so the relay is measured closely
  OptionalTime changed_at_;      // the last change for the sake of worth
  Duration dwell_ = kMinDwell;
  OptionalTime kept_;  // by the peer's probe
  Duration keepalive_ = keepalive_period(0s, 0s);
};

}  // namespace weft::path
