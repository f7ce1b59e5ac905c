// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sim/kernel/flow_ends.h"
#include "sim/kernel/host_process.h"

namespace weft::kernel {

/// iperf3 in two namespaces, from the plan's start to its stop. What arrived is known when both have ended, by the
/// server's report.
class IperfFlow final : public sim::FlowRun {
 public:
  /// `folder`: for the report. Error: internal, if iperf3 does not start.
  static Result<std::unique_ptr<IperfFlow>> start(const FlowEnds& ends, const sim::FlowPlan& plan, std::uint16_t port,
                                                  const std::string& folder);
  ~IperfFlow() override;
  sim::FlowSample sample() const override;

 private:
  IperfFlow(const FlowEnds& ends, const sim::FlowPlan& plan, std::uint16_t port, std::string report);
  void run_client();

  FlowEnds ends_;
  sim::FlowPlan plan_;
  std::uint16_t port_;
  std::string report_;  // path
  mutable std::optional<HostProcess> server_;
  std::optional<HostProcess> client_;
  std::unique_ptr<io::Timer> start_, stop_;
};

}  // namespace weft::kernel
