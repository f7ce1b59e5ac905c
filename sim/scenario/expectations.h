// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <vector>

#include "sim/report/matrix.h"
#include "sim/scenario/nat_models.h"

namespace weft::sim {

struct PairResult;
struct ExpectSpec;
struct Scenario;

/// A sentence if `pair` is not as `expect` says; empty if it is. `pair` is the state at the time the expectation names.
std::string check(const ExpectSpec& expect, const PairResult& pair);

/// A sentence for each cell of a matrix that breaks one of the scenario's expectations.
std::vector<std::string> check_matrix(const Scenario& scenario, const NatChains& chains,
                                      const std::vector<MatrixCell>& cells);

}  // namespace weft::sim
