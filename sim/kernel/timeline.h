// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <string>
#include <utility>

#include "mesh/base/error.h"
#include "sim/kernel/network.h"
#include "sim/scenario/nat_models.h"

namespace weft::sim {
struct EventSpec;
struct Scenario;
}  // namespace weft::sim

namespace weft::kernel {

class KernelDeployment;
class Lab;

/// Refuses a scenario that needs what the kernel world cannot express: ErrorCode::usage with the place in the file.
Result<void> check_expressible(const sim::Scenario& scenario, const sim::NatChains& chains, NatEngine nat);

/// Carries out the events of a scenario on a laboratory (docs/scenario.md says what each does). References outlive it.
class KernelTimeline {
 public:
  KernelTimeline(Lab& lab, const sim::Scenario& scenario, const sim::NatChains& chains, KernelDeployment& deployment)
      : lab_(lab), scenario_(scenario), chains_(chains), deployment_(deployment) {}

  Result<void> apply(const sim::EventSpec& event);

 private:
  Result<void> set_nat(const sim::EventSpec& event);
  Result<void> reboot(const sim::EventSpec& event);
  Result<void> clog_site(const sim::EventSpec& event);
  Result<void> change_way(const sim::EventSpec& event);
  Result<void> move(const std::string& node, const std::string& site);
  Result<void> suspend(const sim::EventSpec& event);
  Result<void> stop_or_start(const sim::EventSpec& event);

  Lab& lab_;
  const sim::Scenario& scenario_;
  const sim::NatChains& chains_;
  KernelDeployment& deployment_;
  std::map<std::pair<std::string, std::string>, sim::RegionPathPlan> changes_;  // delay: what comes on top
};

}  // namespace weft::kernel
