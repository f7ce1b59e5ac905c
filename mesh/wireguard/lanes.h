// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "mesh/wireguard/lane.h"

namespace weft::wireguard {

/// The verbs of a peer's Lane, whichever that is: calls of the device's own, orders to another.
class Lanes {
 public:
  /// Both outlive this.
  Lanes(Lane& own, const OtherLanes& others) : own_(own), others_(others) {}

  unsigned count() const { return others_.count; }
  unsigned lane_of(PeerId peer) const { return peer & (others_.count - 1); }
  bool own(PeerId peer) const { return lane_of(peer) == 0; }

  void adopt(PeerId peer, std::unique_ptr<Keypair> keypair, const std::optional<PathId>& path) {
    if (own(peer)) return own_.adopt(peer, std::move(keypair), path);
    tell(peer, Adopt{peer, std::move(keypair), path});
  }
  void set_path(PeerId peer, const std::optional<PathId>& path) {
    own(peer) ? own_.set_path(peer, path) : tell(peer, SetPath{peer, path});
  }
  void flush(Time now, PeerId peer) { own(peer) ? own_.flush(now, peer) : tell(peer, Flush{peer}); }
  void keepalive(Time now, PeerId peer, bool start_session) {
    own(peer) ? own_.keepalive(now, peer, start_session) : tell(peer, Keepalive{peer, start_session});
  }
  void expire(Time now, PeerId peer) { own(peer) ? own_.expire(now, peer) : tell(peer, Expire{peer}); }
  void drop_staged(PeerId peer) { own(peer) ? own_.drop_staged(peer) : tell(peer, DropStaged{peer}); }
  void remove(PeerId peer) { own(peer) ? own_.remove(peer) : tell(peer, Remove{peer}); }
  /// Of another lane it is not known: false, and what waits there is asked for by LaneReports::wanted().
  bool has_staged(PeerId peer) const { return own(peer) && own_.has_staged(peer); }
  /// Gives the other lanes a copy.
  void publish(const Router& router) {
    if (others_.count == 1) return;
    const auto copy = std::make_shared<const Router>(router);
    for (unsigned lane = 1; lane < others_.count; ++lane) others_.tell(lane, SetRouter{copy});
  }

 private:
  void tell(PeerId peer, LaneOrder order) { others_.tell(lane_of(peer), std::move(order)); }

  Lane& own_;
  const OtherLanes& others_;
};

}  // namespace weft::wireguard
