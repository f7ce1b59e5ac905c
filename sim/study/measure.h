// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/report/run.h"
#include "sim/scenario/scenario.h"

namespace weft::sim {

/// What one run of a study gives: quantities by name with their units, and samples for the curves.
struct RunMeasures {
  std::map<std::string, double> values;
  std::map<std::string, std::vector<double>> samples;  // by curve
  std::vector<double> answered;                        // by second: share of pings between spokes
  std::map<std::string, std::vector<double>> cities;   // round trips of the hosts in a city, in milliseconds
};

/// The unit of a quantity, from the end of its name.
std::string unit_of(const std::string& name);

/// Of a run at scale: `drawn` is the scenario that ran, with marks at the beginning and the end of the steady time and
/// with its pings kept. What is measured how: docs/models.md, "Studies".
RunMeasures measure_at_scale(const Scenario& drawn, const RunResult& run);
/// Of a network under load.
RunMeasures measure_load(const Scenario& scenario, const RunResult& run);

}  // namespace weft::sim
