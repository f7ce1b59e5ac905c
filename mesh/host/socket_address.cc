// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/socket_address.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace weft::host {

SocketAddress to_socket_address(const Endpoint& endpoint, std::uint32_t scope) {
  SocketAddress out;
  if (endpoint.address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    in.sin_addr = to_in_addr(endpoint.address);
    std::memcpy(&out.storage, &in, sizeof in);
    out.length = sizeof in;
    return out;
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(endpoint.port);
  in6.sin6_addr = to_in6_addr(endpoint.address);
  if (endpoint.address.is_link_local()) in6.sin6_scope_id = scope;
  std::memcpy(&out.storage, &in6, sizeof in6);
  out.length = sizeof in6;
  return out;
}

Endpoint to_endpoint(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    return {to_ip(in.sin_addr), ntohs(in.sin_port)};
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &address, sizeof in6);
    return {to_ip(in6.sin6_addr), ntohs(in6.sin6_port)};
  }
  return {};
}

IpAddress to_ip(const in_addr& address) { return IpAddress::v4(ntohl(address.s_addr)); }

IpAddress to_ip(const in6_addr& address) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &address, bytes.size());
  return IpAddress::v6(bytes);
}

in_addr to_in_addr(const IpAddress& address) { return {htonl(address.v4_host_order())}; }

in6_addr to_in6_addr(const IpAddress& address) {
  in6_addr out{};
  const auto bytes = address.bytes();
  std::memcpy(&out, bytes.data(), std::min(bytes.size(), sizeof out));
  return out;
}

Endpoint bound_endpoint(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return to_endpoint(storage);
}

Endpoint peer_endpoint(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return to_endpoint(storage);
}

}  // namespace weft::host
