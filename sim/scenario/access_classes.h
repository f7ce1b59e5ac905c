// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/world/world.h"

namespace weft::sim {

/// Access-link classes that every scenario knows by name; sources in docs/scenario.md. The ladder from good-wifi to
/// absurd degrades delay, rate and loss together.
struct AccessClass {
  std::string_view name;
  LinkPlan link;
};
const std::vector<AccessClass>& access_classes();
/// nullptr: no class is called so.
const LinkPlan* find_access_class(std::string_view name);
/// All names, for a sentence.
std::string access_class_names();

}  // namespace weft::sim
