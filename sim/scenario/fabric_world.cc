// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/fabric_world.h"

#include <map>

#include "sim/fabric/fabric_host.h"
#include "sim/fabric/host_services.h"
#include "sim/fabric/network.h"
#include "sim/fabric/simulated_files.h"
#include "sim/scenario/fabric_overlay.h"
#include "sim/scenario/fabric_ping.h"
#include "sim/traffic/canary.h"
#include "sim/world/inner_nodes.h"
#include "sim/world/stack_loader.h"

namespace weft::sim {
namespace {

topology::RegionMatrix region_matrix(const RegionPlan& plan) {
  topology::RegionMatrix matrix(static_cast<topology::RegionId>(plan.delay.size()));
  for (topology::RegionId from = 0; from < matrix.size(); ++from) {
    for (topology::RegionId to = 0; to < matrix.size(); ++to) {
      matrix.path(from, to) = {.latency = plan.delay[from][to],
                               .hops = static_cast<std::uint8_t>(plan.hops),
                               .loss_ppm = plan.loss_ppm,
                               .repeat_ppm = plan.repeat_ppm};
    }
  }
  return matrix;
}

fabric::LinkOptions link_options(const LinkPlan& plan) {
  return {.delay = plan.delay,
          .up_bps = plan.up_bps,
          .down_bps = plan.down_bps,
          .queue = plan.queue,
          .jitter = plan.jitter,
          .loss_ppm = plan.loss_ppm,
          .loss_burst = plan.loss_burst,
          .mtu = plan.mtu,
          .black_hole = plan.black_hole,
          .fragments = plan.fragments};
}

std::vector<Prefix> on_link(const GatewayPlan& plan) {
  std::vector<Prefix> networks{plan.inside};
  if (plan.inside_ipv6) networks.push_back(*plan.inside_ipv6);
  return networks;
}

fabric::FabricHost& fabric_host(io::Host& host) { return static_cast<fabric::FabricHost&>(host); }

fabric::CrashMode crash_mode(Unsynced fate) {
  if (fate == Unsynced::torn) return fabric::CrashMode::tear;
  return fate == Unsynced::lost ? fabric::CrashMode::lose : fabric::CrashMode::keep;
}

class FabricWorld final : public World {
 public:
  FabricWorld(std::uint64_t seed, const RegionPlan& regions, const Ns3Options& options)
      : network_({.seed = seed, .regions = region_matrix(regions)}), ns3_options_(options) {}

  io::Host& add_host(const HostPlan& plan) override {
    fabric::FabricHost& host = network_.add_host({.name = plan.name,
                                                  .realm = plan.place,
                                                  .region = plan.region,
                                                  .addresses = plan.addresses,
                                                  .link = link_options(plan.link),
                                                  .trace = plan.trace});
    if (!watchers_.empty()) {
      static_cast<fabric::SimulatedEntropy&>(host.entropy()).watch([this, &host](ByteView drawn) {
        for (const auto& watcher : watchers_) watcher(host, drawn);
      });
    }
    return host;
  }

  Gateway add_gateway(const GatewayPlan& plan, const nat::Behavior& behavior) override {
    const fabric::NatPlace place = network_.add_nat({.name = plan.name,
                                                     .outer = plan.outer,
                                                     .region = plan.region,
                                                     .external = plan.external,
                                                     .inside_address = plan.inside_address,
                                                     .on_link = on_link(plan),
                                                     .link = link_options(plan.link)},
                                                    behavior);
    return {.id = place.node, .inside = place.inside};
  }

  nat::Nat& nat(GatewayId gateway) override { return network_.nat(gateway); }
  void join_group(io::Host& host, const IpAddress& group) override {
    network_.join_group(fabric_host(host).node(), group);
  }

  Time now() const override { return network_.now(); }
  bool run_until(const std::function<bool()>& done, Time deadline) override {
    return network_.run_until(done, deadline);
  }
  void at(Time when, std::function<void()> task) override { network_.at(when, std::move(task)); }

  std::unique_ptr<PingRun> ping(io::Host& from, io::Host& to, const PingPlan& plan) override {
    auto& echoes = echoes_[fabric_host(to).node()];
    if (!echoes) echoes = std::make_unique<FabricEchoes>(fabric_host(to), twice_);
    return std::make_unique<FabricPing>(fabric_host(from), *echoes, plan, ++flows_);
  }

  Result<std::unique_ptr<FlowRun>> start_flow(io::Host& from, io::Host& to, const FlowPlan& plan) override {
    if (!inner_) {
      const auto module = StackModule::open();
      if (!module) return std::unexpected(module.error());
      inner_ = module->make_inner_nodes(ns3_options_);
    }
    const auto client = inner_node(fabric_host(from));
    const auto server = inner_node(fabric_host(to));
    return inner_->start_flow(client, server, plan);
  }

  void set_behavior(GatewayId gateway, const nat::Behavior& behavior) override {
    network_.replace_nat(gateway, behavior);
  }

  void set_link_up(io::Host& host, bool up) override {
    const fabric::NodeId node = fabric_host(host).node();
    fabric::LinkOptions link = network_.link(node);
    link.up = up;
    network_.set_link(node, link);
  }

  void add_uplink(io::Host& host, const std::string& name, const AttachmentPlan& to) override {
    network_.add_uplink(fabric_host(host), {.name = name,
                                            .realm = to.place,
                                            .region = to.region,
                                            .addresses = to.addresses,
                                            .link = link_options(to.link)});
  }

  void set_uplink_up(io::Host& host, const std::string& name, bool up) override {
    for (const auto& uplink : fabric_host(host).uplinks()) {
      if (uplink.name != name) continue;
      fabric::LinkOptions link = network_.link(uplink.node);
      link.up = up;
      network_.set_link(uplink.node, link);
    }
  }

  void set_power(io::Host& host, bool on) override {
    on ? fabric_host(host).power_on() : fabric_host(host).power_off();
  }

  void set_unsynced(io::Host& host, Unsynced fate) override {
    fabric_host(host).simulated_files().set_crash_mode(crash_mode(fate));
  }

  std::string_view fidelity() const override { return "fabric"; }
  bool can(Feature feature) const override { return feature != Feature::queue_disc; }

  void set_link(io::Host& host, const LinkPlan& link) override { relink(fabric_host(host).node(), link); }
  void set_link(GatewayId gateway, const LinkPlan& link) override { relink(gateway, link); }

  void set_region_path(std::uint16_t from, std::uint16_t to, const RegionPathPlan& path) override {
    topology::RegionPath& way = network_.regions().path(from, to);
    way.latency = path.delay;
    way.loss_ppm = path.loss_ppm;
    way.cut = path.cut;
  }

  void reboot_gateway(GatewayId gateway, const std::vector<IpAddress>& external) override {
    if (external.empty()) return network_.restart_nat(gateway);
    network_.readdress_nat(gateway, external);
  }

  void move_host(io::Host& host, const AttachmentPlan& to) override {
    const fabric::NodeId node = fabric_host(host).node();
    relink(node, to.link);
    network_.move_host(node, to.place, to.region, to.addresses);
  }

  void set_wall_clock(io::Host& host, Duration step, std::int32_t drift_ppm) override {
    fabric_host(host).set_wall_clock(step, drift_ppm);
  }

  void set_suspended(io::Host& host, bool suspended) override {
    suspended ? fabric_host(host).suspend() : fabric_host(host).resume();
  }

  std::uint64_t bytes_sent(io::Host& host) const override { return network_.bytes_sent(fabric_host(host).node()); }

  void observe(std::function<void(ByteView)> observer) override {
    network_.observe([this, observer = std::move(observer)](const fabric::WireEvent& event) {
      if (event.direction != fabric::Direction::sent) return;
      observer(event.bytes);
      if (!forger_) return;
      for (const Bytes& forged : forger_(event.bytes)) observer(forged);
    });
  }

  void watch_entropy(std::function<void(const io::Host&, ByteView)> watcher) override {
    watchers_.push_back(std::move(watcher));
  }
  void lose(std::function<bool(ByteView)> rule) override { network_.lose(std::move(rule)); }
  void forge(std::function<std::vector<Bytes>(ByteView)> forger) override { forger_ = std::move(forger); }
  void deliver_twice() override { twice_ = true; }

  void set_recorder(tracing::Recorder& recorder) override { network_.set_recorder(recorder); }
  Bytes canary() const override { return to_bytes(traffic::kCanary); }
  std::string trace_hash() const override { return to_hex(network_.trace_hash()); }

 private:
  void relink(fabric::NodeId node, const LinkPlan& plan) {
    fabric::LinkOptions link = link_options(plan);
    link.up = network_.link(node).up;
    network_.set_link(node, link);
  }

  struct Overlay {
    explicit Overlay(fabric::FabricHost& host) : side(host) {}
    FabricOverlay side;
    InnerNodes::NodeId node = 0;
  };

  InnerNodes::NodeId inner_node(fabric::FabricHost& host) {
    auto& overlay = overlays_[host.node()];
    if (!overlay) {
      overlay = std::make_unique<Overlay>(host);
      overlay->node = inner_->add(overlay->side);
    }
    return overlay->node;
  }

  std::vector<std::function<void(const io::Host&, ByteView)>> watchers_;
  fabric::Network network_;
  std::map<fabric::NodeId, std::unique_ptr<FabricEchoes>> echoes_;
  std::uint64_t flows_ = 0;
  std::function<std::vector<Bytes>(ByteView)> forger_;
  bool twice_ = false;
  Ns3Options ns3_options_;
  std::unique_ptr<InnerNodes> inner_;
  std::map<fabric::NodeId, std::unique_ptr<Overlay>> overlays_;
};

}  // namespace

std::unique_ptr<World> make_fabric_world(std::uint64_t seed, const RegionPlan& regions) {
  return make_fabric_world_with({}, seed, regions);
}

std::unique_ptr<World> make_fabric_world_with(const Ns3Options& options, std::uint64_t seed,
                                              const RegionPlan& regions) {
  return std::make_unique<FabricWorld>(seed, regions, options);
}

}  // namespace weft::sim
