// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/network.h"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "sim/fabric/event_loop.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/router.h"
#include "sim/nat/nat.h"
#include "sim/trace/recorder.h"

namespace weft::fabric {

Network::Network(NetworkOptions options)
    : options_(std::move(options)),
      loop_(std::make_unique<EventLoop>()),
      router_(std::make_unique<Router>(*this, *loop_)) {}

/// Hosts first, since their timers are in the queue; then the queue with its packets in flight; then the pool.
Network::~Network() {
  router_->detach_hosts();
  hosts_.clear();
  loop_.reset();
}

FabricHost& Network::add_host(const HostOptions& options) {
  const NodeId node = router_->add_host(options);
  HostOptions all = options;
  if (tracing::Recorder* recorder = router_->recorder()) {
    recorder->name(node, options.name);
    if (all.trace == nullptr) all.trace = &recorder->sink(node, [this] { return loop_->cause(); });
  }
  auto& host = hosts_[node] = std::make_unique<FabricHost>(*this, node, all);
  router_->set_host(node, *host);
  return *host;
}

NatPlace Network::add_nat(const NatOptions& options, const nat::Behavior& behavior) {
  const NatPlace place = router_->add_nat(options, behavior);
  if (tracing::Recorder* recorder = router_->recorder()) recorder->name(place.node, options.name);
  return place;
}

NodeId Network::add_uplink(FabricHost& host, const UplinkOptions& options) {
  const std::string name = host.name() + "/" + options.name;
  const NodeId node = router_->add_host({.name = name,
                                         .realm = options.realm,
                                         .region = options.region,
                                         .addresses = options.addresses,
                                         .link = options.link});
  if (tracing::Recorder* recorder = router_->recorder()) recorder->name(node, name);
  router_->set_host(node, host);
  host.add_uplink({.node = node, .name = options.name, .addresses = options.addresses});
  return node;
}

FabricHost& Network::host(NodeId node) { return *hosts_.at(node); }

nat::Nat& Network::nat(NodeId node) {
  WEFT_ASSERT(router_->place(node).gateway);
  return *router_->place(node).gateway->nat;
}

std::optional<IpAddress> Network::gateway_address(NodeId node) const {
  return router_->gateway_address(router_->place(node).realm);
}

std::optional<Prefix> Network::nat64_prefix(NodeId node) const {
  return router_->nat64_prefix(router_->place(node).realm);
}

void Network::join_group(NodeId node, const IpAddress& group) { router_->join_group(node, group); }

void Network::add_name(const std::string& name, std::vector<IpAddress> addresses) {
  names_[name] = std::move(addresses);
}

Time Network::now() const { return loop_->now(); }

void Network::run_until(Time deadline) { loop_->run(deadline, nullptr); }

bool Network::run_until(const std::function<bool()>& done, Time deadline) { return loop_->run(deadline, &done); }

void Network::at(Time at, std::function<void()> task) { loop_->at(std::max(at, now()), std::move(task)); }

std::uint64_t Network::events() const { return loop_->events(); }

const LinkOptions& Network::link(NodeId node) const { return router_->place(node).link.options(); }

void Network::set_link(NodeId node, const LinkOptions& link) {
  AccessLink& access = router_->place(node).link;
  const bool turned = access.options().up != link.up;
  access.set(link);
  if (FabricHost* host = router_->place(node).host; turned && host != nullptr) host->tell_change();
}

void Network::move_host(NodeId node, RealmId realm, RegionId region, std::vector<IpAddress> addresses) {
  router_->move(node, realm, region, addresses);
  host(node).set_addresses(std::move(addresses));
}

void Network::restart_nat(NodeId node) { nat(node).restart(); }

void Network::replace_nat(NodeId node, const nat::Behavior& behavior) { router_->replace_nat(node, behavior); }

void Network::readdress_nat(NodeId node, std::vector<IpAddress> external) {
  router_->readdress_nat(node, std::move(external));
}

void Network::set_blocked(NodeId a, NodeId b, bool blocked) { router_->set_blocked(a, b, blocked); }

std::array<std::uint8_t, 32> Network::trace_hash() const { return router_->trace_hash(); }

void Network::set_recorder(tracing::Recorder& recorder) {
  WEFT_ASSERT(hosts_.empty());
  router_->set_recorder(&recorder);
}

void Network::observe(WireObserver observer) { router_->set_observer(std::move(observer)); }

void Network::lose(std::function<bool(ByteView)> rule) { router_->set_filter(std::move(rule)); }

std::uint64_t Network::drops(DropReason reason) const { return router_->drops(reason); }

std::uint64_t Network::bytes_sent(NodeId node) const { return router_->place(node).sent_bytes; }

std::uint64_t Network::delivered() const { return router_->delivered(); }

}  // namespace weft::fabric
