// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/strategy.h"

#include <algorithm>

namespace weft::path {
namespace {

/// A burst of the check list and one repetition.
constexpr Duration kCheckListFirst = 600ms;
/// A burst alone: where a search is of few ports it costs less than the wait.
constexpr Duration kBurstFirst = 300ms;

bool lets_unknown_ports_in(const NatFacts& facts) {
  return facts.filtering == Filtering::endpoint_independent || facts.filtering == Filtering::address_dependent;
}

/// One side is symmetric: it opens, the other one seeks, unless the filter of the seeker does not look at ports.
Strategy one_symmetric(const NatFacts& symmetric, const NatFacts& stable, bool we_are_symmetric) {
  if (lets_unknown_ports_in(stable)) return {};
  // Without a filter its NAT may answer an inbound session from the port it came to, if the other side begins.
  const bool role_order_first = symmetric.filtering == Filtering::endpoint_independent;
  const bool sure = stable.filtering == Filtering::address_and_port_dependent;
  return {.method = Strategy::Method::one_sided_search,
          .we_open = we_are_symmetric,
          .head_start = role_order_first || !sure ? kCheckListFirst : Duration{0}};
}

Strategy both_symmetric(const NatFacts& own, const NatFacts& peer) {
  const auto ours = port_knowledge(own), theirs = port_knowledge(peer);
  const bool ordered = ours != PortKnowledge::range && theirs != PortKnowledge::range;
  const bool small = ours == PortKnowledge::range && theirs == PortKnowledge::range && own.ports.known() &&
                     peer.ports.known() && std::uint64_t{own.ports.size()} * peer.ports.size() <= kMaxBlockProduct;
  const bool checks_may_do =
      own.filtering != Filtering::address_and_port_dependent || peer.filtering != Filtering::address_and_port_dependent;
  const bool foretold = (foretells_port_for_address(own) && theirs == PortKnowledge::range) ||
                        (foretells_port_for_address(peer) && ours == PortKnowledge::range);
  return {.method = ordered || small || foretold ? Strategy::Method::two_sided_search : Strategy::Method::hopeless,
          .we_open = true,
          .head_start = checks_may_do ? kCheckListFirst : Duration{0}};
}

/// The one that preserves ports is likelier to have one for all destinations.
int unpredictability(Allocation allocation) {
  switch (allocation) {
    case Allocation::preserve:
      return 0;
    case Allocation::unknown:
      return 1;
    case Allocation::sequential:
      return 2;
    case Allocation::random:
      break;
  }
  return 3;
}

/// Nobody is known to be symmetric, but one side or both may be: what simultaneous open does not connect is searched as
/// if they were.
Strategy perhaps(const NatFacts& own, const NatFacts& peer) {
  if (!own.perhaps_symmetric() && !peer.perhaps_symmetric()) return {};
  Strategy found;
  if (!own.perhaps_symmetric() || !peer.perhaps_symmetric()) {
    found = own.perhaps_symmetric() ? one_symmetric(own, peer, true) : one_symmetric(peer, own, false);
  } else if (own.allocation == peer.allocation) {
    found = own.allocation == Allocation::preserve || own.allocation == Allocation::sequential
                ? both_symmetric(own, peer)
                : Strategy{};
  } else {
    const bool we_open = unpredictability(own.allocation) > unpredictability(peer.allocation);
    found = we_open ? one_symmetric(own, peer, true) : one_symmetric(peer, own, false);
  }
  const bool few = port_knowledge(own) == PortKnowledge::fresh && port_knowledge(peer) == PortKnowledge::fresh;
  found.head_start = std::max(found.head_start, few ? kBurstFirst : kCheckListFirst);
  return found;
}

Strategy by_symmetry(const NatFacts& own, const NatFacts& peer) {
  if (!own.symmetric() && !peer.symmetric()) return perhaps(own, peer);
  if (own.symmetric() && peer.symmetric()) return both_symmetric(own, peer);
  return own.symmetric() ? one_symmetric(own, peer, true) : one_symmetric(peer, own, false);
}

}  // namespace

PortKnowledge port_knowledge(const NatFacts& facts) {
  if (!facts.symmetric() && !facts.perhaps_symmetric()) return PortKnowledge::stable;
  switch (facts.allocation) {
    case Allocation::preserve:
      return PortKnowledge::fresh;
    case Allocation::sequential:
      return facts.delta != 0 ? PortKnowledge::sequential : PortKnowledge::range;
    case Allocation::random:
    case Allocation::unknown:
      break;
  }
  return PortKnowledge::range;
}

bool foretells_port_for_address(const NatFacts& facts) {
  const auto knowledge = port_knowledge(facts);
  return facts.mapping == Mapping::address_dependent &&
         (knowledge == PortKnowledge::fresh || knowledge == PortKnowledge::sequential);
}

bool role_ordered(const NatFacts& waiting, const NatFacts& opening) {
  return waiting.symmetric() && waiting.filtering == Filtering::endpoint_independent &&
         opening.filtering == Filtering::address_and_port_dependent;
}

Strategy choose_strategy(const NatFacts& own, const NatFacts& peer) {
  if (own.udp_blocked || peer.udp_blocked) return {};
  Strategy chosen = by_symmetry(own, peer);
  // A side that strangers reach needs no search, unless its gateway has lost the mapping meanwhile.
  if (own.open_to_strangers() || peer.open_to_strangers()) {
    chosen.head_start = std::max(chosen.head_start, kCheckListFirst);
  }
  return chosen;
}

}  // namespace weft::path
