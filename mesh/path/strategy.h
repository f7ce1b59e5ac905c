// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "mesh/base/time.h"
#include "mesh/path/nat_facts.h"

namespace weft::path {

/// What can be said beforehand about the external port of a new flow.
enum class PortKnowledge : std::uint8_t {
  stable,      // the one that a STUN server saw
  fresh,       // a fresh socket's own port, towards its first destination
  sequential,  // the port after the latest one
  range,       // one of a block
};
PortKnowledge port_knowledge(const NatFacts& facts);

/// How a pair gets a direct path. Both sides derive the same from the same facts (docs/design/002-path-engine.md).
struct Strategy {
  enum class Method : std::uint8_t {
    simultaneous_open,  // the check list alone
    one_sided_search,   // one side's port is known: it sends to guesses of the other's, who has opened many
    two_sided_search,   // both guess
    hopeless,           // the product of the possibilities is beyond any budget
  };
  Method method = Method::simultaneous_open;
  bool we_open = false;  // one_sided_search: our ports are the unknown ones
  /// From the plan to the first search packet: time for what the check list and the role order can do.
  Duration head_start{0};

  bool searches() const { return method == Method::one_sided_search || method == Method::two_sided_search; }
  friend bool operator==(const Strategy&, const Strategy&) = default;
};

/// The most that a two-sided search of two blocks tries: 99.9 % take 6.9 times their product's root in packets a side.
inline constexpr std::uint32_t kMaxBlockProduct = 65536;

/// The NAT has one port for all of an address, which can be said before the first packet: the side seeks from a fresh
/// socket as if its port were known.
bool foretells_port_for_address(const NatFacts& facts);

/// Role order (reference/nat-traversal.md §2.5): the NAT of `waiting` may answer an inbound session from the port it
/// came to, but only if nothing went to `opening` before.
bool role_ordered(const NatFacts& waiting, const NatFacts& opening);

Strategy choose_strategy(const NatFacts& own, const NatFacts& peer);

}  // namespace weft::path
