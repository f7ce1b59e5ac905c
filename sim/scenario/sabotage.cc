// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/sabotage.h"

#include <map>
#include <memory>
#include <utility>

#include "sim/scenario/probe_flow.h"
#include "sim/world/world.h"

namespace weft::sim {
namespace {

using Rule = std::function<bool(ByteView)>;

bool is_direct_probe(ByteView packet) { return probe_flow(packet).has_value(); }

/// Remembers from which port each host sent its first probe. The rule sees each packet once, before any NAT.
Rule search_probes() {
  return [first = std::map<IpAddress, std::uint16_t>{}](ByteView packet) mutable {
    const auto flow = probe_flow(packet);
    return flow && first.emplace(flow->source.address, flow->source.port).first->second != flow->source.port;
  };
}

}  // namespace

Sabotage sabotage(std::string_view name) {
  if (name == "no-direct") return Sabotage::no_direct;
  return name == "no-search" ? Sabotage::no_search : Sabotage::none;
}

WorldFactory sabotaged(WorldFactory make_world, Sabotage fault) {
  if (fault == Sabotage::none) return make_world;
  return [make_world = std::move(make_world), fault](std::uint64_t seed, const RegionPlan& regions) {
    auto world = make_world(seed, regions);
    world->lose(fault == Sabotage::no_direct ? Rule(is_direct_probe) : search_probes());
    return world;
  };
}

}  // namespace weft::sim
