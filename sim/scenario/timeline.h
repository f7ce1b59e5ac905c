// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "mesh/base/error.h"
#include "sim/scenario/nat_models.h"
#include "sim/world/world.h"

namespace weft::sim {

class Deployment;
struct EventSpec;
struct Scenario;

/// Refuses a scenario that needs what the world's fidelity cannot express: ErrorCode::usage with the place in the file.
Result<void> check_expressible(const Scenario& scenario, const World& world);

/// Carries out the events of a scenario on a deployment. References outlive it.
class Timeline {
 public:
  Timeline(World& world, const Scenario& scenario, const NatChains& chains, Deployment& deployment);

  /// Error: what is wrong with the line, as far as only the draw of a seed could tell.
  Result<void> apply(const EventSpec& event);

 private:
  Result<void> set_nat(const EventSpec& event);
  Result<void> reboot(const EventSpec& event);
  void set_link_up(const EventSpec& event);
  void clog(const EventSpec& event);
  void set_region_path(const std::string& from, const std::string& to);
  void roam(const EventSpec& event);
  void change_address(const EventSpec& event);
  Result<void> stop_or_start(const EventSpec& event);

  struct RegionChange {
    bool cut = false;
    Duration delay{0};
    std::uint32_t loss_ppm = 0;
  };

  World& world_;
  const Scenario& scenario_;
  const NatChains& chains_;
  Deployment& deployment_;
  std::map<std::pair<std::string, std::string>, RegionChange> changes_;  // by ordered pair of regions
};

}  // namespace weft::sim
