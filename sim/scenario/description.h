// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

namespace weft::sim {

struct Scenario;

/// A scenario as one seed has drawn it: the object of docs/schema/description.schema.json.
std::string describe(const Scenario& drawn);

}  // namespace weft::sim
