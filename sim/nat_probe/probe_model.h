// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "mesh/nat_probe/prober.h"
#include "sim/nat/behavior.h"

namespace weft::sim {

/// Probes a model from inside, with the prober that real hosts use:
///
///     host 192.168.1.10, fd00:1::10 -- the model (203.0.113.1 to .4) -- server 198.51.100.1 and .2, ports 3478, 3479
///
/// Behind a NAT64 the host has IPv6 only; behind NPTv6 it has an address of the model's internal prefix and the server
/// is 2001:db8:5::1 and ::2. Virtual time; one fabric::Network per process lives meanwhile.
nat_probe::ProbeResult probe_model(const nat::Behavior& behavior, std::uint64_t seed, bool lifetimes = true);

/// What a probe must find if the engine does as `behavior` declares. Axes that a probe cannot see come out as it shows
/// them: a preserved and overloaded port, for one, looks endpoint independent.
nat_probe::ProbeResult expected_of(const nat::Behavior& behavior, bool lifetimes = true);

/// The axes in which two results differ, as words; empty if they agree.
std::vector<std::string> differences(const nat_probe::ProbeResult& expected, const nat_probe::ProbeResult& found);

}  // namespace weft::sim
