// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "mesh/base/ip.h"
#include "mesh/base/packet.h"

namespace weft::io {

/// Several sockets on one port, one for each lane. A datagram whose first byte is `kind` is for the socket whose number
/// is the byte at `selector`, modulo their count; any other is for the first, number 0. Where the system cannot choose,
/// a datagram may come to any of them.
struct PortSharing {
  unsigned count = 0;  // 0: not shared
  bool first = false;  // opened before all others; the port must be free
  std::uint8_t kind = 0;
  std::uint8_t selector = 0;
};

struct UdpOptions {
  /// Address and port to bind; the unspecified address means all of its family, port 0 a free one.
  /// IPv6 sockets never carry IPv4 (IPV6_V6ONLY); open one socket per family.
  Endpoint local;
  /// Name of the interface by which its datagrams come and go, whatever the routing table prefers; empty: any.
  /// ErrorCode::io if there is none of that name, or the system does not let this process choose.
  std::string interface = {};
  PortSharing sharing = {};
  /// Received datagrams say their TTL. Whoever wants it asks for it, since on a real host everything that is told
  /// beside a datagram makes reading it longer (by a fortieth each); elsewhere it is told anyhow.
  bool tell_ttl = false;
};

/// An unconnected UDP socket that moves batches. Contract: receive handlers run from the event loop with 1 to kMaxBatch
/// slots, whose memory has kSlotHeadRoom before and kSlotTailRoom behind the content and is the host's again when the
/// handler returns; datagrams of one sender keep the order in which they arrived; an ICMP error about a sent datagram
/// arrives as a slot with meta.icmp set and no content. A handler may destroy its own socket.
class UdpSocket {
 public:
  using ReceiveHandler = std::function<void(std::span<DatagramSlot>)>;
  virtual ~UdpSocket() = default;

  /// Starts delivery; called once.
  virtual void start_receive(ReceiveHandler handler) = 0;
  /// Sends each item without waiting, those for one destination in order; meta.send_error tells per item what happened.
  /// Returns how many were taken. An item with meta.segment_size is split; the source of an item may be unspecified.
  virtual std::size_t send(std::span<DatagramSlot> items) = 0;
  /// The bound address and the port in use.
  virtual Endpoint local_endpoint() const = 0;
};

}  // namespace weft::io
