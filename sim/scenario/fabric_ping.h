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
  explicit FabricEchoes(fabric::FabricHost& host);
  /// nullopt: request `number` of `flow` has not arrived.
  std::optional<Time> arrival(std::uint64_t flow, std::uint64_t number) const;

 private:
  std::map<std::pair<std::uint64_t, std::uint64_t>, Time> arrivals_;  // by flow and number
  traffic::EchoResponder responder_;
};

/// Echo requests from a host of the fabric to another. `far` is the other's answering side.
class FabricPing final : public PingRun {
 public:
  FabricPing(fabric::FabricHost& from, const FabricEchoes& far, const PingPlan& plan, std::uint64_t flow);
  const std::vector<PingSample>& samples() const override;

 private:
  const FabricEchoes& far_;
  std::uint64_t flow_;
  traffic::Echo echo_;
  mutable std::vector<PingSample> samples_;  // of the last call
};

}  // namespace weft::sim
