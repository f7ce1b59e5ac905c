// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/ptr.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/world/ns3_options.h"
#include "sim/world/world.h"

namespace weft::stack {

/// FlowMonitor, NetAnim, pcap and ascii traces of ns-3 on the nodes of a world, as far as they are asked for.
class Tools {
 public:
  explicit Tools(sim::Ns3Options options);
  ~Tools();
  Tools(const Tools&) = delete;
  Tools& operator=(const Tools&) = delete;

  bool wanted() const { return options_.writes_files(); }
  bool monitors_flows() const { return !options_.flow_monitor.empty(); }

  /// Nodes as they are made; `place` is the realm in which a host or a gateway's outside is attached.
  void add_host(ns3::Ptr<ns3::Node> node, const std::string& name, sim::PlaceId place);
  void add_gateway(ns3::Ptr<ns3::Node> node, const std::string& name, sim::PlaceId place);
  /// The middle of realm `place`, which lies behind the gateway added last.
  void add_exchange(ns3::Ptr<ns3::Node> node, sim::PlaceId place);
  /// A TUN device that a host has made since begin().
  void add_device(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device);
  /// Before the first event, when the nodes are there.
  void begin();
  /// Writes what is known at the end only, while the nodes are there.
  void finish();

 private:
  struct Item {
    enum class Kind { host, gateway, exchange } kind;
    ns3::Ptr<ns3::Node> node;
    std::string name;
    sim::PlaceId place;
  };
  struct Running;
  void lay_out() const;

  sim::Ns3Options options_;
  std::vector<Item> items_;
  std::unique_ptr<Running> running_;
};

}  // namespace weft::stack
