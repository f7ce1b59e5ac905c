// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "sim/scenario/nat_models.h"
#include "sim/scenario/run.h"
#include "sim/scenario/scenario.h"
#include "sim/world/ns3_options.h"

namespace CLI {
class App;
}

namespace weft::lab {

/// Seeds A..B, both included.
struct SeedRange {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
};

/// `7` or `1..100`. Error: usage.
Result<SeedRange> parse_seeds(const std::string& text);

/// A scenario with all it names, ready to run.
struct ScenarioInput {
  sim::Scenario scenario;
  sim::NatChains chains;
  SeedRange seeds;
  bool tls = false;
  std::vector<std::string> strategies;  // at least one
};

/// What every command that runs a scenario takes.
struct ScenarioFlags {
  std::string file;
  std::string seeds;  // "7" or "1..100"; empty: the scenario's
  std::string tls;    // "on", "off"; empty: the scenario's
  std::string fidelity = "fabric";
  std::vector<std::string> strategies = {"weft"};
  std::string out;
  bool json = false;
  bool explain = false;

  /// `what` says of which kind the scenario has to be, `results` which files --out gets.
  void add_to(CLI::App& command, const std::string& what, const std::string& results);
  /// Error: usage, from the scenario, its models or the seeds.
  Result<ScenarioInput> load() const;
  /// Worlds of the fidelity; makes the folder of `out` too, before a long run. Errors: usage, io.
  Result<sim::WorldFactory> world(const sim::Ns3Options& ns3) const;
};

}  // namespace weft::lab
