// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"

namespace weft::bin {

/// Sends one ICMP echo request (RFC 792, RFC 4443 §4.1) and waits for the answer; returns the round trip. Errors:
/// timeout after `limit`; refused without the right to send ICMP (root, CAP_NET_RAW, or net.ipv4.ping_group_range);
/// unreachable.
Result<Duration> icmp_echo(const IpAddress& to, Duration limit);

}  // namespace weft::bin
