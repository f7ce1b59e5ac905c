// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "mesh/base/error.h"
#include "mesh/tunnel/static_tunnel.h"

namespace weft::tunnel {

/// Reads the configuration format of wg(8) and wg-quick(8): one [Interface] with PrivateKey, ListenPort, Address and
/// MTU, any number of [Peer] with PublicKey, PresharedKey, AllowedIPs, Endpoint (an address, not a name) and
/// PersistentKeepalive. Listens on all addresses of both families. `file` names the text in errors. Errors: usage, with
/// file, line and remedy.
Result<StaticTunnelConfig> parse_config(std::string_view text, std::string_view file);

}  // namespace weft::tunnel
