// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "sim/nat/behavior.h"

namespace weft::sim {

struct Scenario;

/// Behaviours of one NAT chain, from the host outwards. Empty: a public host.
using NatChain = std::vector<nat::Behavior>;
/// The chains of a scenario by their names there.
using NatChains = std::map<std::string, NatChain>;

/// Reads every model the scenario names. ErrorCode::usage: the scenario's file, the pointer of the name, and the
/// remedy, or what is wrong inside the model's file.
Result<NatChains> load_nat_chains(const Scenario& scenario, const std::string& scenario_file);

/// The prefix through which a site without IPv4 reaches it; nullopt: the site has IPv4.
std::optional<Prefix> nat64_prefix(const NatChain& chain);
/// Whether the IPv4 address of a host behind `chain` is another outside.
bool translates(const NatChain& chain);

}  // namespace weft::sim
