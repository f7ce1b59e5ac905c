// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/error.h"

namespace weft::sim {

/// A share of a population: hosts behind one chain of NAT models.
struct PopulationClass {
  std::vector<std::string> chain;  // names of models, from the host outwards; empty: a public host
  std::uint64_t weight = 0;        // in millionths
};

/// Which NATs the hosts of a part of the world are behind (scenarios/populations/, docs/schema/population.schema.json).
struct Population {
  std::string name;
  std::uint32_t sites_per_carrier = 1;  // homes that share a carrier's NAT, where the chain has one
  std::vector<PopulationClass> classes;
};

/// ErrorCode::usage: one sentence with file, JSON pointer and remedy.
Result<Population> parse_population(std::string_view text, const std::string& file);
/// ErrorCode::not_found if there is no such file.
Result<Population> load_population(const std::string& file);

}  // namespace weft::sim
