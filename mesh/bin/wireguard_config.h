// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include "mesh/base/error.h"
#include "mesh/tunnel/static_tunnel.h"

namespace weft::bin {

/// A configuration in the format of wg-quick(8): [Interface] with PrivateKey, ListenPort, Address and MTU, and any
/// number of [Peer] with PublicKey, PresharedKey, AllowedIPs, Endpoint (an address, no name) and PersistentKeepalive.
/// `file` is its name in errors. Errors: usage, with file, line and what is wrong; keys themselves are never quoted.
Result<tunnel::StaticTunnelConfig> parse_wireguard_config(std::string_view text, const std::string& file);

}  // namespace weft::bin
