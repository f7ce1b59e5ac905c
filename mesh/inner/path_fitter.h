// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/packet.h"
#include "mesh/base/time.h"
#include "mesh/inner/answer_limit.h"

namespace weft::inner {

/// Makes packets that leave through the tunnel fit a path with less room than the TUN device's MTU. To be asked only
/// while there is such a path. What becomes of a packet that is longer than its path's inner MTU:
///
///     TCP segment with content   cut into segments that fit, as a host's segmentation offload does: TCP is a stream.
///                                Its sender is told too, unless the MTU is below what senders accept
///     IPv4 that may be fragmented  fragmented (RFC 791 §3.2)
///     IPv4 with DF               refused: "fragmentation needed" goes back into the TUN
///     IPv6 beyond 1,280 bytes    refused: "packet too big" with the MTU, or 1,280 if that is more (RFC 8200 §5)
///     other IPv6                 sent as it is; the datagram around it may be fragmented on its way
///
/// A SYN announces no more than fits (clamp_mss).
class PathFitter {
 public:
  /// Least MTU that is told: smaller ones are refused or answered with DF off for ever by common senders.
  static constexpr std::size_t kLeastTold4 = 576, kLeastTold6 = 1280;

  struct Counters {
    std::uint64_t cut = 0, fragmented = 0, refused = 0, clamped = 0, answered = 0;
  };
  /// Inner MTU of the path to an inner destination; 0: no bound is known.
  using MtuOf = std::function<std::size_t(const IpAddress& destination)>;
  /// Gets packets in their order; the slots and what they point to are the fitter's or the caller's again afterwards.
  using Sink = std::function<void(std::span<PacketSlot>)>;

  /// `out` gets what leaves, in batches; `back` what goes to the sender by the TUN. Packets that need segmentation are
  /// passed on as they are.
  void fit(Time now, std::span<PacketSlot> packets, const MtuOf& mtu_of, const Sink& out, const Sink& back);
  const Counters& counters() const { return counters_; }

 private:
  struct Pass;
  void fit_one(Pass& pass, PacketSlot& packet);
  void cut_segment(Pass& pass, const PacketSlot& packet, std::size_t header, std::size_t tcp, std::size_t mtu);
  void refuse(Pass& pass, ByteView packet, std::size_t mtu);

  Counters counters_;
  AnswerLimit answers_;
  std::vector<std::uint8_t> arena_;
};

}  // namespace weft::inner
