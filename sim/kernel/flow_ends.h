// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "mesh/base/error.h"
#include "mesh/io/host.h"
#include "mesh/io/stream.h"
#include "mesh/io/timer.h"
#include "mesh/io/udp_socket.h"
#include "sim/kernel/netns.h"
#include "sim/world/flow.h"

namespace weft::kernel {

/// Where a flow's two programs are: `host` gives sockets, which belong to the namespace in which they are opened.
struct FlowEnds {
  io::Host& host;
  const NetNamespace& from;
  const NetNamespace& to;
};

/// Something of `bytes` has been delivered at `now`.
inline void note(sim::FlowSample& sample, std::uint64_t bytes, Time now) {
  sample.received += bytes;
  ++sample.packets;
  sample.last = now;
  if (!sample.first) sample.first = now;
}

}  // namespace weft::kernel
