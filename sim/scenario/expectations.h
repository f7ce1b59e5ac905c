// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <vector>

#include "sim/report/matrix.h"
#include "sim/scenario/nat_models.h"
#include "sim/scenario/scenario.h"

namespace weft::sim {

struct PairResult;
struct FlowResult;

/// Whether an expectation is about pairs of nodes: check() judges it.
bool is_of_pairs(ExpectSpec::Kind kind);
/// A sentence if fewer of `pairs` than it demands are as `expect` says; empty otherwise. They are in the state of the
/// time the expectation names.
std::string check(const ExpectSpec& expect, const std::vector<PairResult>& pairs);
/// A sentence if a pair that plain simultaneous open connects is not direct, unless its data takes the relay because
/// that is better.
std::string check_direct(const PairResult& pair);
/// A sentence if a pair is on a relay, or direct one way only, and no word of docs/protocol.md says why.
std::string check_reason(const PairResult& pair);
/// A sentence if an agent changed the path to its peer more often in the span than `expect` allows.
std::string check_path_changes(const ExpectSpec& expect, std::uint64_t changes);
/// A sentence if a node that sent `bytes` in `span` sent more than `expect` allows.
std::string check_idle(const ExpectSpec& expect, std::uint64_t bytes, Duration span);

/// The same for the `packets` that a pair has sent in `span` to keep its path.
std::string check_idle_packets(const ExpectSpec& expect, std::uint64_t packets, Duration span);
/// A sentence if less of a flow arrived than `expect` demands.
std::string check_delivered(const ExpectSpec& expect, const FlowResult& flow);

/// A sentence for each cell of a matrix that breaks one of the scenario's expectations, or is not direct for another
/// reason than it says.
std::vector<std::string> check_matrix(const Scenario& scenario, const NatChains& chains,
                                      const std::vector<MatrixCell>& cells);

}  // namespace weft::sim
