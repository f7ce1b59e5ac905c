// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "sim/fabric/foreseen_event.h"
#include "sim/fabric/wire_event.h"

namespace weft::fabric {

class Router;

/// A packet under way, which is its own event: at each place it comes to, ns-3 calls Notify and the router decides
/// where it goes next. Pooled, so that a datagram costs no allocation once the pool has grown.
class Packet final : public ForeseenEvent {
 public:
  enum class Stage : std::uint8_t {
    downlink,    // before the access link of `to`
    arrival,     // at `to`: a host, or a NAT from outside
    nat_inside,  // at the NAT `to`, from inside
    report,      // at a router that answers the sender by ICMP
    local,       // from a host to itself
  };

  explicit Packet(Router& router) : router_(router) {}

  Bytes bytes;  // the whole IP packet
  Stage stage = Stage::arrival;
  NodeId from = 0;  // who put it on the wire last
  NodeId to = 0;
  std::uint64_t cause = 0;       // the last event of the trace in which it took part
  std::uint32_t generation = 0;  // of the place of `to` when it was routed
  bool from_inside = false;      // put on the wire by the inside of the NAT `from`
  bool may_fragment = false;     // a link with a smaller MTU takes it in several pieces
  // For `report`:
  DropReason reason = DropReason::none;
  std::uint16_t mtu = 0;
  IpAddress reporter;
  Duration way_back{0};

  void approach(unsigned step) const override;

 private:
  void Notify() override;
  Router& router_;
};

/// Packets that are free, and all of them for destruction.
class PacketPool {
 public:
  explicit PacketPool(Router& router) : router_(router) {}
  ~PacketPool();
  Packet& take();
  void give_back(Packet& packet) { free_.push_back(&packet); }

 private:
  Router& router_;
  std::vector<Packet*> all_;
  std::vector<Packet*> free_;
};

}  // namespace weft::fabric
