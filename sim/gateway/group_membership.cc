// SPDX-License-Identifier: GPL-2.0-only
#include "sim/gateway/group_membership.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace weft::gateway {

Result<host::FileDescriptor> join_group(std::uint32_t interface_index, const IpAddress& group) {
  host::FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ip_mreqn request{};
  std::memcpy(&request.imr_multiaddr, group.bytes().data(), 4);
  request.imr_ifindex = static_cast<int>(interface_index);
  if (!fd.valid() || ::setsockopt(fd.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) != 0) {
    return host::fail_errno(ErrorCode::io, "cannot join " + group.to_string(), errno);
  }
  return fd;
}

}  // namespace weft::gateway
