// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "mesh/base/ip.h"

namespace weft::host {

/// An Endpoint as the kernel takes it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// `scope` is the interface of a link-local IPv6 address, otherwise ignored.
SocketAddress to_socket_address(const Endpoint& endpoint, std::uint32_t scope = 0);
/// The default Endpoint for anything but IPv4 and IPv6.
Endpoint to_endpoint(const sockaddr_storage& address);

IpAddress to_ip(const in_addr& address);
IpAddress to_ip(const in6_addr& address);
in_addr to_in_addr(const IpAddress& address);
in6_addr to_in6_addr(const IpAddress& address);

/// What getsockname() says.
Endpoint bound_endpoint(int fd);
/// What getpeername() says, or the default Endpoint.
Endpoint peer_endpoint(int fd);

}  // namespace weft::host
