// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/base/time.h"

namespace weft::path {

/// How many datagrams the peer had received by a path when our probe arrived there, and how many we had sent by then.
/// Both counts include the probe, and wrap around.
struct LossReport {
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
};

/// What one path is worth for what we send: round trip and jitter from probes, loss on the way to the peer from its
/// counts, which are of all authenticated datagrams, so live data measures it. docs/design/008-path-selection.md.
class PathQuality {
 public:
  /// Losses are forgotten with this time constant, and behind kWindow datagrams if those took kLeastMemory at least.
  static constexpr Duration kMemory = 10s;
  static constexpr Duration kLeastMemory = 3s;
  static constexpr double kWindow = 500;
  /// Less loss than this makes no difference.
  static constexpr double kLossFloor = 0.001;

  /// A probe was answered after `rtt`.
  void answered(Duration rtt);
  void report(Time now, const LossReport& report);
  /// Copies went by two paths: the counts since the last report say nothing.
  void resync() { last_.reset(); }

  /// Smoothed by 1/8; 0: nothing was answered yet.
  Duration rtt() const { return rtt_; }
  /// Mean deviation of the round trip (RFC 6298 §2).
  Duration jitter() const { return jitter_; }
  /// The round trip is a quarter above what it was at best lately: a queue on the way is filled, and losses may be our
  /// own doing.
  bool congested() const { return rtt_ > least_rtt_ + least_rtt_ / 4 + 2ms; }
  /// Datagrams that the estimate rests on.
  double samples() const { return sent_; }
  /// Share of what we send that is lost, `sigmas` standard deviations above or below the estimate, which begins as if a
  /// hundred datagrams had met kLossFloor.
  double loss(double sigmas = 0) const;
  /// Square of the throughput that TCP gets from such a path, up to a constant factor (Mathis et al. 1997): (1-p)² /
  /// (RTT² · p). Comparable between paths with a round trip.
  double worth(double sigmas = 0) const;

 private:
  void scale(double factor);

  Duration rtt_{0}, jitter_{0};
  Duration least_rtt_{0};  // creeps up, since a route may become longer
  /// Sums over the reports: datagrams, those lost, and the squares and product that tell how losses cluster.
  double sent_ = 0, lost_ = 0, lost_squared_ = 0, lost_sent_ = 0, sent_squared_ = 0;
  Time aged_{};
  std::optional<LossReport> last_;
};

/// How many authenticated datagrams went and came by each path to one peer. Bounded: the path that was silent for the
/// longest time is forgotten first.
class PathCounts {
 public:
  static constexpr std::size_t kMaxPaths = 12;

  /// Counts begin with the first datagram that came by a path: what a search sends to many addresses has none.
  void add_sent(const PathId& path, std::uint32_t datagrams);
  void add_received(Time now, const PathId& path, std::uint32_t datagrams);
  std::uint32_t sent(const PathId& path) const;
  std::uint32_t received(const PathId& path) const;

 private:
  struct Counts {
    PathId path;
    std::uint32_t sent = 0, received = 0;
    Time heard;
  };
  Counts* find(const PathId& path);
  const Counts* find(const PathId& path) const;

  std::vector<Counts> counts_;
};

}  // namespace weft::path
