// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "mesh/base/ip.h"

namespace weft::fabric {

/// Routers of the Internet have addresses of the benchmarking ranges (RFC 2544, RFC 5180), one for each region and hop.
inline IpAddress router_address(IpFamily family, std::uint16_t region, std::uint8_t hop) {
  if (family == IpFamily::v4) return IpAddress::v4(198, 18, static_cast<std::uint8_t>(region), hop);
  const auto high = static_cast<std::uint8_t>(region >> 8), low = static_cast<std::uint8_t>(region);
  return IpAddress::v6({0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, high, low, 0, 0, 0, hop});
}

}  // namespace weft::fabric
