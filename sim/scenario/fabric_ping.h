// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sim/traffic/echo.h"
#include "sim/world/world.h"

namespace weft::fabric {
class FabricHost;
}

namespace weft::sim {

/// The one answering side of a host of the fabric: remembers when each request arrived.
class FabricEchoes {
 public:
  /// `twice`: a fault for tests, everything arrives twice.
  FabricEchoes(fabric::FabricHost& host, bool twice);
  /// nullopt: request `number` of `flow` has not arrived.
  std::optional<Time> arrival(std::uint64_t flow, std::uint64_t number) const;
  /// Arrivals of requests of `flow` that had arrived before.
  std::uint64_t repeated(std::uint64_t flow) const;

 private:
  std::map<std::pair<std::uint64_t, std::uint64_t>, Time> arrivals_;  // by flow and number
  std::map<std::uint64_t, std::uint64_t> repeated_;                   // by flow
  traffic::EchoResponder responder_;
};

/// Echo requests from a host of the fabric to another. `far` is the other's answering side.
class FabricPing final : public PingRun {
 public:
  FabricPing(fabric::FabricHost& from, const FabricEchoes& far, const PingPlan& plan, std::uint64_t flow);
  const std::vector<PingSample>& samples() const override;
  std::uint64_t repeated() const override { return far_.repeated(flow_); }

 private:
  const FabricEchoes& far_;
  std::uint64_t flow_;
  traffic::Echo echo_;
  mutable std::vector<PingSample> samples_;  // of the last call
};

}  // namespace weft::sim
