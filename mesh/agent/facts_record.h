// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/control/netmap.h"
#include "mesh/path/nat_facts.h"

namespace weft::agent {

/// What the network map says of a node's NATs, and back. Words and values that this version does not know read as
/// unknown.
control::NatFacts to_record(const path::NatFacts& facts);
path::NatFacts to_facts(const control::NatFacts& record);

}  // namespace weft::agent
