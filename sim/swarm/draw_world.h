// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace weft::sim {

/// A scenario drawn from a seed: three regions, three to six nodes, their NATs, links and sites, pings between them, up
/// to four faults of eleven kinds in the first 40 s, and time enough without any for every pair to talk again. In a
/// third of the worlds the Internet repeats packets. Without `nat_models`; with what judge_terms() demands.
nlohmann::json draw_world(std::uint64_t seed);

/// Writes into `world` what it is judged by, from its traffic, its events and its duration: every pair is connected;
/// from 30 s after the last fault on three quarters of the pings are answered, whatever the losses; what plain
/// simultaneous open connects is direct 60 s after it. What its duration leaves no time for is left out.
void judge_terms(nlohmann::json& world);
/// When its last event is; 0: it has none.
double last_event_s(const nlohmann::json& world);

}  // namespace weft::sim
