// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/world_factory.h"

#include "sim/scenario/fabric_world.h"
#include "sim/world/stack_loader.h"
#include "sim/world/world.h"

namespace weft::sim {

Result<WorldFactory> world_factory(const std::string& fidelity, const Ns3Options& ns3) {
  if (fidelity == "stack") {
    auto factory = load_stack_world(ns3);
    if (!factory) return std::unexpected(factory.error());
    return std::move(*factory);
  }
  if (ns3.writes_files()) {
    return fail(ErrorCode::usage, "FlowMonitor, NetAnim and ns-3's traces need ns-3 nodes; add --fidelity stack");
  }
  if (!ns3.attributes.empty()) {
    const auto module = StackModule::open();
    if (!module) return std::unexpected(module.error());
    if (auto good = module->check(ns3); !good) return std::unexpected(good.error());
  }
  return [ns3](std::uint64_t seed, const RegionPlan& regions) { return make_fabric_world_with(ns3, seed, regions); };
}

}  // namespace weft::sim
