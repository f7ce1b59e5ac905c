// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>

#include "mesh/base/error.h"
#include "sim/topology/graph.h"

namespace weft::topology {

/// Reads an undirected GraphML graph (Boost.Graph's reader). Attributes of nodes: `name` (string; needed), `role`
/// (string: `region`, or `transit`, which forwards and where nobody lives), `weight` (double: hosts relative to other
/// nodes, default 1). Of edges: `delay_ms` (double, one way; needed). Other attributes are ignored. ErrorCode::usage:
/// one sentence with `file`, the element and the remedy.
Result<Graph> read_graphml(std::string_view text, const std::string& file);

}  // namespace weft::topology
