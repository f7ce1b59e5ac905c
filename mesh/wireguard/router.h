// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/wireguard/allowed_ips.h"

namespace weft::wireguard {

/// What every lane knows of all peers: whose an address is. Not changed while a lane looks at it.
struct Router {
  AllowedIps allowed_ips;
};

}  // namespace weft::wireguard
