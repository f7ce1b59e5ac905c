// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/random.h"
#include "mesh/base/trace.h"
#include "mesh/io/clock.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/resolver.h"
#include "mesh/io/timer.h"
#include "sim/fabric/event_loop.h"
#include "sim/fabric/fabric_host.h"

namespace weft::fabric {

/// Virtual time; the wall clock is the network's start plus the host's own error, which may grow.
class VirtualClock final : public io::Clock {
 public:
  VirtualClock(EventLoop& loop, WallTime start, Duration skew) : loop_(loop), start_(start), skew_(skew) {}
  Time now() const override { return loop_.now(); }
  WallTime wall_now() const override { return start_ + loop_.now().time_since_epoch() + skew(); }
  Duration skew() const { return skew_ + (loop_.now() - drifts_since_) / 1'000'000 * drift_ppm_; }
  /// The error from now on: `skew`, and `drift_ppm` per million of the time that passes.
  void set_skew(Duration skew, std::int32_t drift_ppm) {
    skew_ = skew;
    drift_ppm_ = drift_ppm;
    drifts_since_ = loop_.now();
  }

 private:
  EventLoop& loop_;
  WallTime start_;
  Duration skew_;
  std::int32_t drift_ppm_ = 0;
  Time drifts_since_{};
};

class FabricTimer;

/// A power cycle of a host: what was made in it acts no more when it is over, and waits while the host sleeps.
struct PowerCycle {
  bool on = true;
  bool asleep = false;
  std::vector<FabricTimer*> overdue;             // rang while the host slept
  std::vector<std::function<void()>> held_back;  // posted while it slept; they post or arm, and run no service's code

  /// Lets the loop run `task` on a later turn, as far as the cycle lasts; asleep, after waking.
  static void post(const std::shared_ptr<PowerCycle>& cycle, EventLoop& loop, std::function<void()> task);
  void wake(Time now);
  void end();
};

/// Rings only as long as the power cycle in which it was made lasts; asleep, on waking.
class FabricTimer final : public io::Timer, private Alarm {
 public:
  FabricTimer(EventLoop& loop, std::shared_ptr<PowerCycle> cycle, std::function<void()> handler);
  ~FabricTimer() override;
  void arm(Time deadline) override { Alarm::arm(deadline); }
  void cancel() override { Alarm::cancel(); }

 private:
  void ring() override;
  std::shared_ptr<PowerCycle> cycle_;
  std::function<void()> handler_;
  bool* destroyed_ = nullptr;  // set by the destructor: while the handler runs
};

/// The names of Network::add_name; behind a NAT64, as its DNS64 tells them.
class HostNames final : public io::Resolver {
 public:
  explicit HostNames(FabricHost& host) : host_(host) {}
  void resolve(const std::string& name, Handler handler) override;

 private:
  FabricHost& host_;
};

/// The interfaces of the host, "eth0" with index 1 first; each default route leads to the inside address of the NAT, if
/// there is one.
class HostMonitor final : public io::NetworkMonitor {
 public:
  explicit HostMonitor(FabricHost& host) : host_(host) {}
  std::vector<io::NetworkInterface> interfaces() const override;
  void on_change(std::function<void()> handler) override { handler_ = std::move(handler); }
  /// Tells on a later turn.
  void changed();

 private:
  FabricHost& host_;
  std::function<void()> handler_;
};

/// Replayable and therefore worthless as a secret; says so.
class SimulatedEntropy final : public Entropy {
 public:
  SimulatedEntropy(std::uint64_t seed, std::string_view stream_name) : random_(seed, stream_name) {}
  void fill(std::span<std::uint8_t> out) override {
    random_.fill(out);
    if (watcher_) watcher_(out);
  }
  KeyProvenance provenance() const override { return KeyProvenance::simulated; }
  /// Is shown what is drawn from now on.
  void watch(std::function<void(ByteView)> watcher) { watcher_ = std::move(watcher); }

 private:
  SeededRandom random_;
  std::function<void(ByteView)> watcher_;
};

class NoTrace final : public TraceSink {
 public:
  void record(const TraceEvent&) override {}
  bool wants(TraceLevel) const override { return false; }
};

}  // namespace weft::fabric
