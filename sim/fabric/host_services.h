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

/// Virtual time; the wall clock is the network's start plus the host's own error.
class VirtualClock final : public io::Clock {
 public:
  VirtualClock(EventLoop& loop, WallTime start, Duration skew) : loop_(loop), start_(start), skew_(skew) {}
  Time now() const override { return loop_.now(); }
  WallTime wall_now() const override { return start_ + loop_.now().time_since_epoch() + skew_; }
  void set_skew(Duration skew) { skew_ = skew; }

 private:
  EventLoop& loop_;
  WallTime start_;
  Duration skew_;
};

/// Rings only as long as the power cycle in which it was made lasts.
class FabricTimer final : public io::Timer {
 public:
  FabricTimer(EventLoop& loop, std::shared_ptr<bool> alive, std::function<void()> handler)
      : alarm_(loop, [alive = std::move(alive), handler = std::move(handler)] {
          if (*alive) handler();
        }) {}
  void arm(Time deadline) override { alarm_.arm(deadline); }
  void cancel() override { alarm_.cancel(); }

 private:
  Alarm alarm_;
};

/// The names of Network::add_name.
class HostNames final : public io::Resolver {
 public:
  explicit HostNames(FabricHost& host) : host_(host) {}
  void resolve(const std::string& name, Handler handler) override;

 private:
  FabricHost& host_;
};

/// One interface, "eth0" with index 1.
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
  void fill(std::span<std::uint8_t> out) override { random_.fill(out); }
  KeyProvenance provenance() const override { return KeyProvenance::simulated; }

 private:
  SeededRandom random_;
};

class NoTrace final : public TraceSink {
 public:
  void record(const TraceEvent&) override {}
  bool wants(TraceLevel) const override { return false; }
};

}  // namespace weft::fabric
