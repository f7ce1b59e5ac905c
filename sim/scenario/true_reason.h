// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/scenario/nat_models.h"

namespace weft::sim {

/// The words (docs/protocol.md) that the first of two hosts behind these chains may truly give for a pair that is not
/// direct; none if no word is true, because simultaneous open connects the pair. Derived from the models and the NAT
/// engine alone, with what a host could know at best: whether UDP passes, whether the port depends on the destination,
/// and what can be said about the next one. `relay_addresses`: STUN servers with different addresses; with one, nobody
/// can tell an address-dependent mapping from an endpoint-independent one.
std::vector<std::string_view> true_reasons(const NatChain& a, const NatChain& b, std::uint64_t seed,
                                           std::size_t relay_addresses);

}  // namespace weft::sim
