// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "sim/nat/behavior.h"

namespace weft::kernel {

/// A middlebox by the kernel's own netfilter, between interfaces `lan` and `wan` of its namespace.
struct NftablesNat {
  std::string rules;                                         // for `nft -f -`, without `flush ruleset`
  std::vector<std::pair<std::string, std::string>> sysctls;  // below /proc/sys/net/, and values
};

/// What netfilter does like `behavior`, line for line; otherwise the axis that it cannot express, to end a sentence
/// with ("endpoint-independent mapping"). Netfilter's conntrack is one NAT (address-and-port-dependent mapping and
/// filtering, overloaded ports, answers of admitted sessions by the session), with a choice of ports and lifetimes.
std::expected<NftablesNat, std::string> express(const nat::Behavior& behavior);

}  // namespace weft::kernel
