// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/scenario/run.h"

namespace weft::sim {

/// A fault put into the network on purpose, to show that a check of results notices it. It breaks the world, never
/// the product: the agents are the shipped ones. The last eleven are for one invariant each: those on a wire are
/// packets that only the invariants see.
enum class Sabotage : std::uint8_t {
  none,
  no_direct,  // no path probe arrives but through a relay, as if agents did not send any
  no_search,  // of the probes, only those of each host's first socket arrive, as if agents did not search for ports
  silence,    // after the first packets nothing arrives any more
  plaintext,  // an inner packet in the clear
  private_probe,
  stranger_probe,  // to an address that no node has
  loop,            // to its own source
  overlay_loop,    // to an address of the overlay
  flood,           // new flows of probes beyond the budget
  counter,         // another message with a WireGuard counter that was used
  nonce,           // another probe with a nonce that was used
  replay,          // the far end of pings is given each twice
  session_end,     // a handshake whose key the coordinator drew
  leaked_key,      // a node's secret
};

/// Its names on the command line, without none.
std::vector<std::string> sabotages();
/// By its name; none for anything else.
Sabotage sabotage(std::string_view name);

/// Makes worlds with that fault. Only for fidelities that can lose packets by rule (Feature::lose).
WorldFactory sabotaged(WorldFactory make_world, Sabotage fault);

}  // namespace weft::sim
