// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "mesh/base/bytes.h"
#include "mesh/base/time.h"

namespace weft::fabric {

/// Number of a host or NAT, in the order of their creation.
using NodeId = std::uint32_t;

enum class Direction : std::uint8_t { sent, received, dropped };

/// Why the network lost a packet. What a NAT drops is counted by the NAT itself as well.
enum class DropReason : std::uint8_t {
  none,
  link_down,
  link_loss,
  queue_full,
  region_loss,
  partition,
  no_route,
  ttl_expired,
  too_big,
  nat,
  moved,  // the receiver left its place while the packet travelled
  powered_off,
  suspended,
  malformed,  // bad header or checksum at the receiver
  filtered,   // a rule of the laboratory (Network::lose)
  count_,
};
std::string_view to_string(DropReason reason);

/// A packet at one place of the wire: sent by or received at a node's interface, or lost. `bytes` is the whole IP
/// packet, valid only during the call.
struct WireEvent {
  Time at;
  NodeId node = 0;
  std::uint8_t interface = 0;  // hosts: 0; NATs: 0 outside, 1 inside
  Direction direction = Direction::sent;
  DropReason reason = DropReason::none;
  ByteView bytes;
};

/// Sees every event of every packet; must not send.
using WireObserver = std::function<void(const WireEvent&)>;

}  // namespace weft::fabric
