// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/fabric_ping.h"

#include "mesh/io/clock.h"
#include "sim/fabric/fabric_host.h"

namespace weft::sim {

FabricEchoes::FabricEchoes(fabric::FabricHost& host, bool twice)
    : responder_(host, [this, &host, twice](std::uint64_t flow, std::uint64_t number) {
        const bool fresh = arrivals_.emplace(std::pair(flow, number), host.clock().now()).second;
        if (!fresh || twice) ++repeated_[flow];
      }) {}

std::uint64_t FabricEchoes::repeated(std::uint64_t flow) const {
  const auto found = repeated_.find(flow);
  return found == repeated_.end() ? 0 : found->second;
}

std::optional<Time> FabricEchoes::arrival(std::uint64_t flow, std::uint64_t number) const {
  const auto found = arrivals_.find({flow, number});
  return found == arrivals_.end() ? std::nullopt : std::optional(found->second);
}

FabricPing::FabricPing(fabric::FabricHost& from, const FabricEchoes& far, const PingPlan& plan, std::uint64_t flow)
    : far_(far),
      flow_(flow),
      echo_(from, {.destination = plan.destination,
                   .start = plan.start,
                   .interval = plan.interval,
                   .count = plan.count,
                   .flow = flow}) {}

const std::vector<PingSample>& FabricPing::samples() const {
  samples_.clear();
  for (const traffic::EchoSample& echo : echo_.samples()) {
    samples_.push_back({.sent = echo.sent, .arrived = far_.arrival(flow_, samples_.size()), .answered = echo.answered});
  }
  return samples_;
}

}  // namespace weft::sim
