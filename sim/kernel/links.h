// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>

#include "mesh/base/error.h"
#include "sim/gateway/frame.h"
#include "sim/kernel/netns.h"

namespace weft::kernel {

using gateway::Mac;
using gateway::to_string;

/// One end of a wire: an interface with a link address of our own, in a namespace.
struct WireEnd {
  const NetNamespace* space = nullptr;
  std::string interface;
  Mac mac{};
};

/// A pair of virtual Ethernet interfaces, up on both ends, without IPv6 addresses, and without segmentation or checksum
/// offload, so that what is seen on it is what a wire would carry. Error: io.
Result<void> make_wire(const WireEnd& near, const WireEnd& far);
/// A bridge, up. Error: io.
Result<void> make_bridge(const WireEnd& at);
/// Runs lines of ip(8) in a namespace. Error: io.
Result<void> configure(const NetNamespace& space, const std::string& ip_lines);
/// Writes /proc/sys/net/NAME of a namespace. Error: io.
Result<void> set_sysctl(const NetNamespace& space, const std::string& name, const std::string& value);

/// Bytes of IP packets that have left by an Ethernet interface of a namespace; 0 if there is none of that name.
std::uint64_t sent_bytes(const NetNamespace& space, const std::string& interface);

}  // namespace weft::kernel
