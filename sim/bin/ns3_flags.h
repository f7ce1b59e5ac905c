// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "sim/world/ns3_options.h"

namespace CLI {
class App;
}
namespace weft::sim {
struct Scenario;
}

namespace weft::lab {

/// What the command line asks of ns-3 (docs/ns3.md).
struct Ns3Flags {
  std::vector<std::string> set;  // NAME=VALUE
  sim::Ns3Options files;         // without attributes

  void add_to(CLI::App& command);
  /// With the scenario's attributes, which the command line's override. Error: usage.
  Result<sim::Ns3Options> options(const sim::Scenario& scenario) const;
};

}  // namespace weft::lab
