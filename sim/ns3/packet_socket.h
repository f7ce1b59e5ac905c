// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "mesh/base/error.h"

namespace weft::stack {

/// A packet socket on an interface, which reads and writes whole Ethernet frames as a file does.
struct PacketSocket {
  int fd = -1;                            // the caller's
  std::array<std::uint8_t, 6> address{};  // of the interface
};

/// Error: io. Apart from FdNetDevice, since ns-3's names are macros of linux/if_packet.h.
Result<PacketSocket> open_packet_socket(const std::string& interface);

}  // namespace weft::stack
