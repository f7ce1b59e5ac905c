// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "sim/fabric/event_loop.h"
#include "sim/ns3/exchange.h"
#include "sim/ns3/flow_marks.h"
#include "sim/ns3/nat_router/nat_router.h"
#include "sim/ns3/ns3_host.h"
#include "sim/ns3/ns3_ping.h"
#include "sim/ns3/tools.h"
#include "sim/ns3/wire_log.h"
#include "sim/world/ns3_options.h"
#include "sim/world/world.h"

namespace weft::stack {

struct StackOptions {
  std::uint64_t seed = 1;
  WallTime wall_start{std::chrono::seconds{1'767'225'600}};  // 2026-01-01 00:00 UTC
  sim::RegionPlan regions;
  sim::Ns3Options ns3;
};

/// The simulated Internet at `stack` fidelity: hosts are full ns-3 nodes, gateways bare nodes with the NAT engine, and
/// realms exchanges between them. Independent of the fabric's sockets, streams, TUN and packet path, so the two check
/// each other.
class StackWorld final : public sim::World {
 public:
  explicit StackWorld(StackOptions options);
  ~StackWorld() override;

  io::Host& add_host(const sim::HostPlan& plan) override;
  sim::Gateway add_gateway(const sim::GatewayPlan& plan, const nat::Behavior& behavior) override;
  nat::Nat& nat(sim::GatewayId gateway) override { return places_[gateway].router->GetNat(); }
  void join_group(io::Host& host, const IpAddress& group) override;
  Time now() const override { return loop_->now(); }
  bool run_until(const std::function<bool()>& done, Time deadline) override;
  void at(Time when, std::function<void()> task) override { loop_->at(when, std::move(task)); }
  std::unique_ptr<sim::PingRun> ping(io::Host& from, io::Host& to, const sim::PingPlan& plan) override;
  Result<std::unique_ptr<sim::FlowRun>> start_flow(io::Host& from, io::Host& to, const sim::FlowPlan& plan) override;
  void set_behavior(sim::GatewayId gateway, const nat::Behavior& behavior) override;
  void set_link_up(io::Host& host, bool up) override;
  void set_power(io::Host& host, bool on) override;
  void set_unsynced(io::Host& host, sim::Unsynced fate) override;
  std::string_view fidelity() const override { return "stack"; }
  bool can(sim::Feature feature) const override {
    return feature != sim::Feature::lose && feature != sim::Feature::repeat && feature != sim::Feature::uplinks;
  }
  void set_link(io::Host& host, const sim::LinkPlan& link) override;
  void set_link(sim::GatewayId gateway, const sim::LinkPlan& link) override;
  void set_region_path(std::uint16_t from, std::uint16_t to, const sim::RegionPathPlan& path) override;
  void reboot_gateway(sim::GatewayId gateway, const std::vector<IpAddress>& external) override;
  void move_host(io::Host& host, const sim::AttachmentPlan& to) override;
  void set_wall_clock(io::Host& host, Duration step, std::int32_t drift_ppm) override;
  void set_suspended(io::Host& host, bool suspended) override;
  void observe(std::function<void(ByteView packet)> observer) override { log_.observe(std::move(observer)); }
  void set_recorder(tracing::Recorder& recorder) override { log_.set_recorder(&recorder); }
  Bytes canary() const override { return Ns3Ping::canary(); }
  std::string trace_hash() const override;

 private:
  struct HostEntry {
    std::unique_ptr<Ns3Host> host;
    sim::PlaceId place = 0;
    Exchange::PortNumber port = 0;
    std::vector<std::pair<sim::PlaceId, IpAddress>> announced;
    std::string name;
    fabric::NodeId number = 0;
  };
  /// A realm, and the gateway it lies behind; the Internet lies behind none.
  struct Place {
    std::unique_ptr<Exchange> exchange;
    ns3::Ptr<ns3::Node> gateway;
    ns3::Ptr<NatRouter> router;
    IpAddress inside_address;
    fabric::NodeId number = 0;  // of the gateway
    sim::PlaceId outer = 0;
    Exchange::PortNumber outer_port = 0;
  };
  class TrackedPing;

  void attach(HostEntry& entry, const sim::AttachmentPlan& to);
  void announce(HostEntry& entry);
  void withdraw(HostEntry& entry);
  /// Whether packets pass a host's port: link, power and wakefulness.
  void set_port(HostEntry& entry);
  void watch(const Place& place);
  HostEntry& entry_of(io::Host& host);
  void tapped(const Ns3Host& host, bool to_host, ByteView packet);

  StackOptions options_;
  std::unique_ptr<fabric::EventLoop> loop_;
  Tools tools_;
  FlowMarks marks_;
  WireLog log_;
  std::vector<Place> places_;
  std::vector<HostEntry> hosts_;
  fabric::NodeId next_node_ = 0;
  std::uint16_t next_ping_ = 1;
  std::uint16_t next_flow_port_;
  std::shared_ptr<std::map<std::uint16_t, Ns3Ping*>> pings_ = std::make_shared<std::map<std::uint16_t, Ns3Ping*>>();
};

}  // namespace weft::stack
