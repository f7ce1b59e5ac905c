// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>

#include "sim/scenario/nat_models.h"

namespace weft::sim {

/// Whether simultaneous open connects two hosts behind these chains: each learns its reflexive endpoint from one
/// server, tells the other, both send to what they were told and to what they hear from, in rounds in which the packets
/// cross; or one of them waits until it hears. Computed with the NAT engine alone, no agent and no timing: what the
/// connectivity matrix is held against. `ipv6`: which of the two have native IPv6
/// beside IPv4.
bool simultaneous_open_connects(const NatChain& a, const NatChain& b, std::uint64_t seed,
                                std::array<bool, 2> ipv6 = {});

}  // namespace weft::sim
