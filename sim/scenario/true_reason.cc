// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/true_reason.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "sim/scenario/party.h"
#include "sim/scenario/simultaneous_open.h"

namespace weft::sim {
namespace {

const Endpoint kServer{IpAddress::v4(192, 0, 2, 1), 3478};
const Endpoint kOtherPort{IpAddress::v4(192, 0, 2, 1), 3479};
const Endpoint kOtherAddress{IpAddress::v4(192, 0, 2, 2), 3478};

/// Fresh ports that are looked at; more than any agent opens.
constexpr std::uint16_t kSamples = 24;
constexpr std::int32_t kFirstPort = 20000;
/// The most that two searching sides can cover (docs/design/002-path-engine.md).
constexpr std::uint64_t kMaxProduct = 65536;

/// What can be known at best about the port of a new flow to a host that nobody has spoken to.
struct Ports {
  bool udp = false;                // an answer of a server comes back
  bool by_address = false;         // another port towards another address
  bool by_port = false;            // another port towards another port of one address
  bool ordered = false;            // a fresh socket keeps its port, or gets the one after the latest
  std::uint64_t possible = 64512;  // otherwise: one of so many

  bool unknown() const { return by_address || by_port; }
};

/// External ports of fresh sockets, one after the other.
std::vector<std::int32_t> fresh_ports(Party& party, Time now) {
  std::vector<std::int32_t> ports;
  for (std::uint16_t i = 0; i < kSamples; ++i) {
    party.set_port(static_cast<std::uint16_t>(kFirstPort + 7 * i));
    if (const auto seen = party.reflexive(now, kServer)) ports.push_back(seen->port);
  }
  return ports;
}

/// One step between all neighbours: own ports are kept (7), or the NAT counts.
bool in_order(const std::vector<std::int32_t>& ports) {
  if (ports.size() < 3) return false;
  const std::int32_t step = ports[1] - ports[0];
  const bool small = step != 0 && std::abs(step) <= 64;
  for (std::size_t i = 2; i < ports.size(); ++i) {
    if (ports[i] - ports[i - 1] != step) return false;
  }
  return small;
}

/// The ports that the outermost NAT gives one subscriber.
std::uint64_t possible_ports(const NatChain& chain) {
  for (auto layer = chain.rbegin(); layer != chain.rend(); ++layer) {
    if (layer->translation != nat::Translation::nat && layer->translation != nat::Translation::nat64) continue;
    const std::uint64_t range = std::uint64_t{layer->ports.high} - layer->ports.low + 1;
    const nat::PortBlocks& blocks = layer->ports.blocks;
    return blocks.mode == nat::BlockMode::none
               ? range
               : std::min<std::uint64_t>(range, std::uint64_t{blocks.size} * blocks.per_subscriber);
  }
  return 64512;
}

Ports ports_of(const NatChain& chain, std::uint8_t number, std::uint64_t seed) {
  Party party(chain, number, seed);
  const Time now{};
  const auto first = party.reflexive(now, kServer), port = party.reflexive(now, kOtherPort),
             address = party.reflexive(now, kOtherAddress);
  if (!first) return {};
  return {.udp = true,
          .by_address = address && address->port != first->port,
          .by_port = port && port->port != first->port,
          .ordered = in_order(fresh_ports(party, now)),
          .possible = possible_ports(chain)};
}

}  // namespace

std::vector<std::string_view> true_reasons(const NatChain& a, const NatChain& b, std::uint64_t seed,
                                           std::size_t relay_addresses) {
  const Ports ours = ports_of(a, 1, seed), theirs = ports_of(b, 2, seed);
  if (!ours.udp) return {"udp_blocked_local"};
  if (!theirs.udp) return {"udp_blocked_peer"};
  if (simultaneous_open_connects(a, b, seed)) return {};
  if (!ours.unknown() && !theirs.unknown()) return {"no_answer"};
  // One unknown port is searched for, and so are two that are ordered or few: they miss by bad luck only.
  const bool both = ours.unknown() && theirs.unknown();
  const bool few = !ours.ordered && !theirs.ordered && ours.possible * theirs.possible <= kMaxProduct;
  // A port that is foretold for a whole address counts as known.
  const auto foretold = [](const Ports& ports) { return ports.ordered && !ports.by_port; };
  if (!both || (ours.ordered && theirs.ordered) || few || foretold(ours) || foretold(theirs))
    return {"search_exhausted"};
  std::vector<std::string_view> words = {"both_symmetric_full_range"};
  // What nobody could see was searched for as if the port were known.
  const auto hidden = [&](const Ports& ports) { return relay_addresses < 2 && !ports.by_port; };
  if (hidden(ours) || hidden(theirs)) words.emplace_back("search_exhausted");
  return words;
}

}  // namespace weft::sim
