// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sim/gateway/exchange.h"

namespace weft::sim {
struct LinkPlan;
}

/// What the kernel world says to its exchange process (`weft-lab exchange`): a configuration on its standard input,
/// then calls over a local socket. Both ends are of one build, so units are exact: nanoseconds, bits per second, parts
/// per million.
namespace weft::kernel {

struct ExchangeConfig {
  gateway::ExchangeOptions options;
  bool sites_are_shared = false;  // packets between private addresses may cross (sim/scenario/invariants.h)
  bool emulated = false;          // by ns-3 in real time instead of gateway::Exchange
  std::vector<std::pair<std::string, std::string>> ns3_attributes;
};
nlohmann::json to_json(const ExchangeConfig& config);
/// Error: usage.
Result<ExchangeConfig> parse_config(const std::string& text);

nlohmann::json to_json(const gateway::ExchangePort& port);
gateway::ExchangePort port_of(const nlohmann::json& object);
nlohmann::json to_json(const gateway::RegionWay& way);
gateway::RegionWay way_of(const nlohmann::json& object);

/// The two directions of an access link: from whom it belongs to, and towards it.
gateway::LinkShape up_of(const sim::LinkPlan& link);
gateway::LinkShape down_of(const sim::LinkPlan& link);
/// The other way round.
sim::LinkPlan link_of(const gateway::LinkShape& up, const gateway::LinkShape& down);

}  // namespace weft::kernel
