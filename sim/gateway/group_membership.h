// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/host/file_descriptor.h"

namespace weft::gateway {

/// Makes the kernel take packets for an IPv4 multicast group on an interface, for as long as the descriptor is open;
/// sockets bound to the unspecified address then get them (ip(7), IP_MULTICAST_ALL). Error: io.
Result<host::FileDescriptor> join_group(std::uint32_t interface_index, const IpAddress& group);

}  // namespace weft::gateway
