// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/packet_socket.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weft::stack {
namespace {

constexpr int kBufferBytes = 16 << 20;
#ifndef PACKET_IGNORE_OUTGOING
constexpr int PACKET_IGNORE_OUTGOING = 23;
#endif

}  // namespace

Result<PacketSocket> open_packet_socket(const std::string& interface) {
  PacketSocket made{.fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(made.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  ::setsockopt(made.fd, SOL_SOCKET, SO_RCVBUFFORCE, &kBufferBytes, sizeof kBufferBytes);
  sockaddr_ll local{};
  local.sll_family = AF_PACKET;
  local.sll_protocol = htons(ETH_P_ALL);
  local.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  socklen_t length = sizeof local;
  auto* address = reinterpret_cast<sockaddr*>(&local);
  if (local.sll_ifindex == 0 || ::bind(made.fd, address, length) != 0 ||
      ::getsockname(made.fd, address, &length) != 0) {
    const int error = errno;
    if (made.fd >= 0) ::close(made.fd);
    return fail(ErrorCode::io, "ns-3 cannot open " + interface + ": " + std::strerror(error));
  }
  std::memcpy(made.address.data(), local.sll_addr, made.address.size());
  return made;
}

}  // namespace weft::stack
