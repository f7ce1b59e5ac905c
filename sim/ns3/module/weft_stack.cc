// SPDX-License-Identifier: GPL-2.0-only
// The symbols of the module that sim::StackModule opens.
#include "sim/ns3/defaults.h"
#include "sim/ns3/make_world.h"
#include "sim/ns3/realtime_exchange.h"

#define WEFT_EXPORTED extern "C" __attribute__((visibility("default")))

extern "C" {
bool weft_check_ns3_options(const weft::sim::Ns3Options* options, std::string* problem);
weft::sim::World* weft_make_stack_world(std::uint64_t seed, const weft::sim::RegionPlan* regions,
                                        const weft::sim::Ns3Options* options);
weft::sim::InnerNodes* weft_make_inner_nodes(const weft::sim::Ns3Options* options);
weft::sim::RealtimeExchange* weft_make_realtime_exchange(std::uint64_t seed, const weft::sim::RegionPlan* regions,
                                                         const weft::sim::Ns3Options* options,
                                                         const weft::sim::RealtimeObserver* observer);
}

WEFT_EXPORTED bool weft_check_ns3_options(const weft::sim::Ns3Options* options, std::string* problem) {
  return weft::stack::check_attributes(*options, *problem);
}

WEFT_EXPORTED weft::sim::World* weft_make_stack_world(std::uint64_t seed, const weft::sim::RegionPlan* regions,
                                                      const weft::sim::Ns3Options* options) {
  return weft::stack::make_stack_world_with(*options, seed, *regions).release();
}

WEFT_EXPORTED weft::sim::InnerNodes* weft_make_inner_nodes(const weft::sim::Ns3Options* options) {
  return weft::stack::make_inner_nodes(*options).release();
}

WEFT_EXPORTED weft::sim::RealtimeExchange* weft_make_realtime_exchange(std::uint64_t seed,
                                                                       const weft::sim::RegionPlan* regions,
                                                                       const weft::sim::Ns3Options* options,
                                                                       const weft::sim::RealtimeObserver* observer) {
  return weft::stack::make_realtime_exchange(seed, *regions, *options, *observer).release();
}
