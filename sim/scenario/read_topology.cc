// SPDX-License-Identifier: GPL-2.0-only
#include <nlohmann/json.hpp>

#include "sim/scenario/reader.h"

namespace weft::sim {

void ScenarioReader::read_topology() {
  const json& topology = document_["topology"];
  TopologySpec& spec = scenario_.topology;
  spec.loss_ppm = to_ppm(topology.value("loss_ratio", 0.0));
  spec.hops = topology.value("hops", 8);
  read_matrix_of_delays();
}

void ScenarioReader::read_matrix_of_delays() {
  const json& topology = document_["topology"];
  TopologySpec& spec = scenario_.topology;
  spec.regions = topology["regions"].get<std::vector<std::string>>();
  spec.weights.assign(spec.regions.size(), 1);
  const json& rows = topology["delay_ms"];
  if (rows.size() != spec.regions.size())
    refuse("/topology/delay_ms", "has another number of rows than `regions` has names; give one row per region");
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (rows[row].size() != spec.regions.size()) {
      refuse("/topology/delay_ms/" + std::to_string(row),
             "has another length than `regions`; give one delay per region");
    }
    std::vector<Duration> delays;
    for (const json& delay : rows[row]) delays.push_back(from_ms(delay));
    spec.delay.push_back(std::move(delays));
  }
}

}  // namespace weft::sim
