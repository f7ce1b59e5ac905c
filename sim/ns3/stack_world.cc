// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/stack_world.h"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "sim/fabric/simulated_files.h"
#include "sim/nat/behavior.h"
#include "sim/ns3/defaults.h"
#include "sim/ns3/make_world.h"
#include "sim/ns3/ns3_flow.h"

namespace weft::stack {
namespace {

constexpr Duration kInsideLatency = 100us;  // between two attachments behind a gateway, as in the fabric

sim::RegionPlan inside_plan() {
  sim::RegionPlan plan;
  plan.delay = {{kInsideLatency}};
  plan.hops = 0;
  return plan;
}

}  // namespace

/// A ping that the taps know of as long as it lives.
class StackWorld::TrackedPing final : public sim::PingRun {
 public:
  TrackedPing(StackWorld& world, Ns3Host& from, const sim::PingPlan& plan)
      : identifier_(world.next_ping_++), pings_(world.pings_), ping_(from, plan, identifier_) {
    (*pings_)[identifier_] = &ping_;
  }
  ~TrackedPing() override { pings_->erase(identifier_); }
  const std::vector<sim::PingSample>& samples() const override { return ping_.samples(); }

 private:
  std::uint16_t identifier_;
  std::shared_ptr<std::map<std::uint16_t, Ns3Ping*>> pings_;
  Ns3Ping ping_;
};

StackWorld::StackWorld(StackOptions options)
    : options_(std::move(options)), loop_(std::make_unique<fabric::EventLoop>()), next_flow_port_(kFirstFlowPort) {
  set_defaults(options_.ns3);
  places_.push_back(
      {std::make_unique<Exchange>(*loop_, log_, options_.regions, options_.seed, "internet"), nullptr, 0, 0});
}

/// The nodes, whose handlers point into exchanges and gateways, go with the loop and before those.
StackWorld::~StackWorld() {
  hosts_.clear();
  loop_.reset();
}

io::Host& StackWorld::add_host(const sim::HostPlan& plan) {
  HostEntry entry;
  entry.host = std::make_unique<Ns3Host>(*loop_, Ns3HostOptions{.name = plan.name,
                                                                .addresses = plan.addresses,
                                                                .trace = plan.trace,
                                                                .seed = options_.seed,
                                                                .wall_start = options_.wall_start});
  entry.place = plan.place;
  const auto attached =
      places_[plan.place].exchange->attach({.node = entry.host->node(),
                                            .name = plan.name,
                                            .owner = next_node_++,
                                            .region = plan.place == sim::kInternet ? plan.region : std::uint16_t{0},
                                            .link = plan.link});
  entry.port = attached.port;
  entry.host->plug_in(attached.device);
  Ns3Host* host = entry.host.get();
  host->set_tun_tap([this, host](bool to_host, ByteView packet) { tapped(*host, to_host, packet); });
  announce(entry);
  hosts_.push_back(std::move(entry));
  return *host;
}

/// Enters the addresses of a host into its realm, and into the realms outside as far as no gateway translates them.
void StackWorld::announce(HostEntry& entry) {
  for (const IpAddress& address : entry.host->addresses()) {
    sim::PlaceId place = entry.place;
    Exchange::PortNumber port = entry.port;
    while (places_[place].exchange->announce(address, port)) {
      entry.announced.emplace_back(place, address);
      const Place& here = places_[place];
      if (!here.router || here.router->translates(address.family())) break;
      port = here.outer_port;
      place = here.outer;
    }
  }
}

sim::Gateway StackWorld::add_gateway(const sim::GatewayPlan& plan, const nat::Behavior& behavior) {
  const auto inside = static_cast<sim::PlaceId>(places_.size());
  Place place;
  place.exchange = std::make_unique<Exchange>(*loop_, log_, inside_plan(), options_.seed, "inside/" + plan.name);
  place.router = std::make_unique<NatRouter>(*loop_, behavior, plan.external, options_.seed, plan.name);
  place.router->set_inside_address(plan.inside_address);
  place.outer = plan.outer;
  const fabric::NodeId owner = next_node_++;
  Exchange& outer = *places_[plan.outer].exchange;
  const auto outside = outer.attach({.node = place.router->node(),
                                     .name = plan.name,
                                     .owner = owner,
                                     .region = plan.outer == sim::kInternet ? plan.region : std::uint16_t{0},
                                     .link = plan.link});
  const auto behind = place.exchange->attach(
      {.node = place.router->node(), .name = plan.name + "/inside", .owner = owner, .interface = 1});
  place.outer_port = outside.port;
  place.exchange->set_default(behind.port, plan.inside);
  for (const IpAddress& address : plan.external) WEFT_ASSERT(outer.announce(address, outside.port));
  place.router->connect(behind.device, outside.device);
  places_.push_back(std::move(place));
  return {.id = inside, .inside = inside};
}

std::unique_ptr<sim::PingRun> StackWorld::ping(io::Host& from, io::Host&, const sim::PingPlan& plan) {
  return std::make_unique<TrackedPing>(*this, *entry_of(from).host, plan);
}

Result<std::unique_ptr<sim::FlowRun>> StackWorld::start_flow(io::Host& from, io::Host& to, const sim::FlowPlan& plan) {
  return std::make_unique<Ns3Flow>(entry_of(from).host->node(), entry_of(to).host->node(), plan, next_flow_port_++);
}

void StackWorld::tapped(const Ns3Host& host, bool to_host, ByteView packet) {
  for (const auto& [identifier, ping] : *pings_) ping->passed(host, to_host, packet, now());
}

void StackWorld::set_behavior(sim::GatewayId gateway, const nat::Behavior& behavior) {
  places_[gateway].router->set_behavior(behavior);
  for (HostEntry& entry : hosts_) {
    for (const auto& [place, address] : entry.announced) places_[place].exchange->withdraw(address);
    entry.announced.clear();
    announce(entry);
  }
}

StackWorld::HostEntry& StackWorld::entry_of(io::Host& host) {
  const auto found = std::ranges::find_if(hosts_, [&](const HostEntry& entry) { return entry.host.get() == &host; });
  WEFT_ASSERT(found != hosts_.end());
  return *found;
}

void StackWorld::set_link_up(io::Host& host, bool up) {
  HostEntry& entry = entry_of(host);
  entry.host->set_link_up(up);
  places_[entry.place].exchange->set_up(entry.port, up && entry.host->powered());
}

void StackWorld::set_power(io::Host& host, bool on) {
  HostEntry& entry = entry_of(host);
  entry.host->set_power(on);
  places_[entry.place].exchange->set_up(entry.port, on && entry.host->link_up());
}

void StackWorld::set_unsynced(io::Host& host, sim::Unsynced fate) {
  fabric::CrashMode mode = fabric::CrashMode::tear;
  if (fate != sim::Unsynced::torn)
    mode = fate == sim::Unsynced::lost ? fabric::CrashMode::lose : fabric::CrashMode::keep;
  entry_of(host).host->simulated_files().set_crash_mode(mode);
}

std::string StackWorld::trace_hash() const { return to_hex(log_.digest()); }

}  // namespace weft::stack
