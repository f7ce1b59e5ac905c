// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"

namespace weft::io {
class Host;
class NetworkMonitor;
}  // namespace weft::io

namespace weft::bin {

/// Endpoints given to a flag that may be repeated. Errors: usage.
Result<std::vector<Endpoint>> parse_endpoint_flags(std::string_view flag, const std::vector<std::string>& texts);

/// Where others reach a socket bound to `bound`: that address, or for the unspecified one the addresses of this machine
/// with its port (of the same family, those of interfaces with a default route first; without link-local ones).
std::vector<Endpoint> reachable_endpoints(const io::NetworkMonitor& network, const Endpoint& bound);
/// The same for several sockets, at most as many as a setup key carries.
std::vector<Endpoint> reachable_endpoints(const io::NetworkMonitor& network, const std::vector<Endpoint>& bound);

/// Where a daemon listens if nobody says: `port` of all addresses, in both families as far as the machine has them.
std::vector<Endpoint> default_listen(io::Host& host, std::uint16_t port);

/// The name of this machine up to its first dot.
std::string host_name();

}  // namespace weft::bin
