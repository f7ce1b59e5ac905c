// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/packet.h"
#include "mesh/base/time.h"
#include "mesh/inner/answer_limit.h"

namespace weft::inner {

/// What a hub does with packets that come out of the tunnel: those for another peer go back into it, a hop further
/// (RFC 1812 §5.3.1, RFC 8200 §3). Who sends a packet that has no hop left is told ("time exceeded", RFC 792,
/// RFC 4443 §3.3) by the hub's own address. What does not fit the way ahead is the PathFitter's business.
class Forwarder {
 public:
  struct Counters {
    std::uint64_t forwarded = 0, expired = 0, answered = 0, returned = 0;
  };
  /// Who a packet to an inner destination would be sent to; nullopt: nobody in the tunnel.
  using PeerFor = std::function<std::optional<std::uint32_t>(const IpAddress& destination)>;
  using Sink = std::function<void(std::span<PacketSlot>)>;

  /// Addresses of the hub itself, for its answers. Those of a family without one are not given.
  void set_addresses(std::vector<IpAddress> addresses) { addresses_ = std::move(addresses); }

  /// Sorts at most kMaxBatch opened packets. `inside` gets those for this host, `onward` those for a peer, and then
  /// what is answered; each at most once, in their order. A packet for the peer that it came from is dropped.
  void forward(Time now, std::span<PacketSlot> packets, const PeerFor& peer_for, const Sink& inside,
               const Sink& onward);
  const Counters& counters() const { return counters_; }

 private:
  void answer(Time now, ByteView packet, const Sink& onward);

  Counters counters_;
  AnswerLimit answers_;
  std::vector<IpAddress> addresses_;
};

}  // namespace weft::inner
