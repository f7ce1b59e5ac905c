// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>

#include "mesh/base/time.h"

namespace weft::path {

/// The life of a mapping that nobody has measured: with four fifths of it 25 s, below the 30 s after which netfilter
/// forgets an unanswered flow. RFC 4787 REQ-5's two minutes are not kept by all.
inline constexpr Duration kUnmeasuredLifetime = 31'250ms;
/// Silence beyond this is not asked of any NAT or firewall, however long it was seen to remember.
inline constexpr Duration kMaxKeepalive = 4min;

/// After how much silence an idle path between two sides needs a packet, from how long their NATs keep an idle mapping
/// (zero: not measured). A ping and its pong leave both sides, so they refresh both mappings whichever direction counts
/// (RFC 4787 REQ-6), and one exchange in this time is enough for the two.
inline Duration keepalive_period(Duration ours, Duration theirs) {
  const auto known = [](Duration lifetime) { return lifetime > 0ns ? lifetime : kUnmeasuredLifetime; };
  return std::min(std::min(known(ours), known(theirs)) * 4 / 5, Duration(kMaxKeepalive));
}

}  // namespace weft::path
