// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "sim/gateway/impairment.h"

namespace weft::bin {
class LocalApi;
}
namespace weft::gateway {
class Gateway;
}
namespace weft::gateway_portmap {
class PortMappingService;
}
namespace weft::io {
class Clock;
}

namespace weft::lab {

/// The access link as the command line and the control socket say it.
struct LinkFlags {
  double delay_ms = 0;
  double jitter_ms = 0;
  double loss_ratio = 0;
  std::uint32_t loss_run = 1;
  double up_mbps = 0;
  double down_mbps = 0;
  double queue_ms = 100;
};
gateway::LinkShape to_shape(const LinkFlags& link, double mbps);

/// "203.0.113.2/24", or without a length: nothing is on link. Errors: usage.
Result<std::vector<Prefix>> parse_external(const std::vector<std::string>& texts);

struct ControlledGateway {
  gateway::Gateway& gateway;
  gateway_portmap::PortMappingService* port_mapping;  // null: the model offers none
  io::Clock& clock;
};
/// The methods of docs/cli.md, `weft-lab gateway-control`. What is referred to outlives `api`.
void add_control_methods(bin::LocalApi& api, const ControlledGateway& controlled, const LinkFlags& link);

}  // namespace weft::lab
