// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/base/trace.h"

namespace weft::tracing {

/// Number of an event of one run, counted from 1; 0 is no event.
using EventId = std::uint64_t;
/// Number of a host or gateway of one world.
using NodeId = std::uint32_t;

/// What happens to packets, and what services say (docs/trace.md).
enum class Kind : std::uint8_t {
  inner_sent,      // a program's packet has entered a TUN device
  inner_received,  // a service has written a packet to a TUN device
  sent,            // a host or gateway puts a packet on the wire
  received,        // a packet has arrived at a host or gateway
  translated,      // a gateway lets it pass, by a mapping
  dropped,         // it ends here, for a reason
  agent,           // an event of a service, from its TraceSink
};
std::string_view to_string(Kind kind);

/// The attachment of a node that an event is about.
enum class Interface : std::uint8_t { eth0, outside, inside, tun, none };
/// `eth0`, `outside`, `inside`, `weft0` or nothing.
std::string_view to_string(Interface interface);

/// Source and destination; ports are 0 where there are none, the identifier for an ICMP echo.
struct Flow {
  std::uint8_t protocol = 0;
  Endpoint from, to;
};
/// nullopt if `packet` has no whole IP header.
std::optional<Flow> flow_of(ByteView packet);

/// One thing that happened, and the event but for which it would not have. Views are valid only during the call.
struct Event {
  EventId cause = 0;
  Time at;
  NodeId node = 0;
  Kind kind = Kind::sent;
  Interface interface = Interface::eth0;
  ByteView packet;                   // the whole IP packet; empty for `agent`
  std::string_view reason;           // of `dropped`
  std::uint64_t mapping = 0;         // of `translated`: number of the gateway's mapping, from 1; 0: nothing changed
  std::optional<Flow> before;        // of `translated`
  const TraceEvent* said = nullptr;  // of `agent`
};

}  // namespace weft::tracing
