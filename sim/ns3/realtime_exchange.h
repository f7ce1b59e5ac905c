// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>

#include "sim/world/ns3_options.h"
#include "sim/world/realtime_exchange.h"

namespace weft::stack {

/// Takes the process's one simulator. `options` have been accepted by check_attributes.
std::unique_ptr<sim::RealtimeExchange> make_realtime_exchange(std::uint64_t seed, const sim::RegionPlan& regions,
                                                              const sim::Ns3Options& options,
                                                              sim::RealtimeObserver observer);

}  // namespace weft::stack
