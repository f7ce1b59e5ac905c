// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>

namespace weft::sim {

/// Makes a world of draw_world smaller as long as `fails` holds for it (delta debugging, Zeller and Hildebrandt 2002):
/// leaves out nodes with their traffic, lines of traffic and faults (an outage with its end); replaces NATs, sites,
/// links, losses, the second relay and TLS by nothing; moves faults together and cuts what follows them. Ends when
/// nothing more can go, or after `limit` questions. `world` fails already.
struct Shrunk {
  std::size_t questions = 0;
};
Shrunk shrink(nlohmann::json& world, const std::function<bool(const nlohmann::json&)>& fails, std::size_t limit = 600);

}  // namespace weft::sim
