// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/stack_world.h"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "sim/fabric/simulated_files.h"
#include "sim/nat/behavior.h"
#include "sim/ns3/cause_tag.h"
#include "sim/ns3/convert.h"
#include "sim/ns3/defaults.h"
#include "sim/ns3/make_world.h"
#include "sim/ns3/ns3_flow.h"
#include "sim/trace/recorder.h"

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
    : options_(std::move(options)),
      loop_(std::make_unique<fabric::EventLoop>()),
      tools_(options_.ns3),
      next_flow_port_(kFirstFlowPort) {
  set_defaults(options_.ns3);
  Place internet;
  internet.exchange = std::make_unique<Exchange>(*loop_, log_, options_.regions, options_.seed, "internet");
  tools_.add_exchange(internet.exchange->node(), sim::kInternet);
  places_.push_back(std::move(internet));
}

/// The nodes, whose handlers point into exchanges and gateways, go with the loop and before those; ns-3's tools look at
/// the nodes once more.
StackWorld::~StackWorld() {
  tools_.finish();
  hosts_.clear();
  loop_.reset();
}

bool StackWorld::run_until(const std::function<bool()>& done, Time deadline) {
  tools_.begin();
  return loop_->run(deadline, &done);
}

io::Host& StackWorld::add_host(const sim::HostPlan& plan) {
  HostEntry entry;
  entry.name = plan.name;
  entry.number = next_node_++;
  log_.add_node(entry.number, plan.name, false);
  TraceSink* trace = plan.trace;
  if (trace == nullptr && log_.recorder() != nullptr)
    trace = &log_.recorder()->sink(entry.number, [this] { return loop_->cause(); });
  entry.host = std::make_unique<Ns3Host>(*loop_, Ns3HostOptions{.name = plan.name,
                                                                .trace = trace,
                                                                .seed = options_.seed,
                                                                .wall_start = options_.wall_start,
                                                                .number = entry.number,
                                                                .log = &log_,
                                                                .marks = tools_.monitors_flows() ? &marks_ : nullptr});
  Ns3Host* host = entry.host.get();
  host->set_tun_tap([this, host](bool to_host, ByteView packet) { tapped(*host, to_host, packet); });
  if (tools_.wanted()) {
    host->on_tun_device([this, host](ns3::Ptr<ns3::NetDevice> device) { tools_.add_device(host->node(), device); });
  }
  tools_.add_host(host->node(), plan.name, plan.place);
  attach(entry, {.place = plan.place, .region = plan.region, .addresses = plan.addresses, .link = plan.link});
  hosts_.push_back(std::move(entry));
  return *host;
}

void StackWorld::attach(HostEntry& entry, const sim::AttachmentPlan& to) {
  entry.place = to.place;
  const auto attached =
      places_[to.place].exchange->attach({.node = entry.host->node(),
                                          .name = entry.name,
                                          .owner = entry.number,
                                          .region = to.place == sim::kInternet ? to.region : std::uint16_t{0},
                                          .link = to.link});
  entry.port = attached.port;
  const Place& place = places_[to.place];
  const bool dns64 = place.router && place.router->GetNat().behavior().translation == nat::Translation::nat64;
  entry.host->set_nat64(dns64 ? std::optional(place.router->GetNat().behavior().nat64_prefix) : std::nullopt);
  entry.host->plug_in(attached.device, to.addresses, place.inside_address);
  announce(entry);
}

/// Enters the addresses of a host into its realm, and into the realms outside as far as no gateway translates them.
void StackWorld::announce(HostEntry& entry) {
  for (const IpAddress& address : entry.host->addresses()) {
    sim::PlaceId place = entry.place;
    Exchange::PortNumber port = entry.port;
    while (places_[place].exchange->announce(address, port)) {
      entry.announced.emplace_back(place, address);
      const Place& here = places_[place];
      if (!here.router || here.router->Translates(address.family())) break;
      port = here.outer_port;
      place = here.outer;
    }
  }
}

void StackWorld::withdraw(HostEntry& entry) {
  for (const auto& [place, address] : entry.announced) places_[place].exchange->withdraw(address);
  entry.announced.clear();
}

sim::Gateway StackWorld::add_gateway(const sim::GatewayPlan& plan, const nat::Behavior& behavior) {
  const auto inside = static_cast<sim::PlaceId>(places_.size());
  Place place;
  place.exchange = std::make_unique<Exchange>(*loop_, log_, inside_plan(), options_.seed, "inside/" + plan.name);
  place.gateway = ns3::CreateObject<ns3::Node>();
  place.router = ns3::CreateObject<NatRouter>();
  place.router->SetRandomStream(options_.seed, "nat/" + plan.name);
  for (const IpAddress& address : plan.external) place.router->AddExternalAddress(address);
  place.router->SetInsideAddress(plan.inside_address);
  place.inside_address = plan.inside_address;
  place.router->SetBehavior(behavior);
  place.outer = plan.outer;
  place.number = next_node_++;
  log_.add_node(place.number, plan.name, true);
  Exchange& outer = *places_[plan.outer].exchange;
  const auto outside = outer.attach({.node = place.gateway,
                                     .name = plan.name,
                                     .owner = place.number,
                                     .region = plan.outer == sim::kInternet ? plan.region : std::uint16_t{0},
                                     .link = plan.link});
  const auto behind = place.exchange->attach(
      {.node = place.gateway, .name = plan.name + "/inside", .owner = place.number, .interface = 1});
  place.outer_port = outside.port;
  place.exchange->set_default(behind.port, plan.inside);
  for (const IpAddress& address : plan.external) WEFT_ASSERT(outer.announce(address, outside.port));
  place.router->Connect(behind.device, outside.device);
  tools_.add_gateway(place.gateway, plan.name, plan.outer);
  tools_.add_exchange(place.exchange->node(), inside);
  if (log_.recorder() != nullptr) watch(place);
  places_.push_back(std::move(place));
  return {.id = inside, .inside = inside};
}

/// Translations and drops of a gateway for the trace. Its packets carry the event along.
void StackWorld::watch(const Place& place) {
  using PacketPtr = ns3::Ptr<const ns3::Packet>;
  const auto where = [](bool from_inside) {
    return from_inside ? tracing::Interface::inside : tracing::Interface::outside;
  };
  place.router->TraceConnectWithoutContext(
      "Translate", ns3::Callback<void, PacketPtr, PacketPtr, bool>([this, where, number = place.number](
                                                                       PacketPtr before, PacketPtr after, bool inside) {
        const Bytes was = bytes_of(*before), is = bytes_of(*after);
        const auto flow = tracing::flow_of(was);
        if (!flow) return;
        set_cause(
            after,
            log_.recorder()->record_translation(
                {.cause = cause_of(*before), .at = now(), .node = number, .interface = where(inside), .packet = is},
                *flow));
      }));
  place.router->TraceConnectWithoutContext(
      "Drop", ns3::Callback<void, PacketPtr, const std::string&, bool>(
                  [this, where, number = place.number](PacketPtr packet, const std::string& reason, bool inside) {
                    const Bytes bytes = bytes_of(*packet);
                    set_cause(packet, log_.recorder()->record({.cause = cause_of(*packet),
                                                               .at = now(),
                                                               .node = number,
                                                               .kind = tracing::Kind::dropped,
                                                               .interface = where(inside),
                                                               .packet = bytes,
                                                               .reason = reason}));
                  }));
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
  places_[gateway].router->SetBehavior(behavior);
  for (HostEntry& entry : hosts_) {
    withdraw(entry);
    announce(entry);
  }
}

void StackWorld::join_group(io::Host& host, const IpAddress& group) {
  const HostEntry& entry = entry_of(host);
  places_[entry.place].exchange->join(group, entry.port);
}

StackWorld::HostEntry& StackWorld::entry_of(io::Host& host) {
  const auto found = std::ranges::find_if(hosts_, [&](const HostEntry& entry) { return entry.host.get() == &host; });
  WEFT_ASSERT(found != hosts_.end());
  return *found;
}

void StackWorld::set_port(HostEntry& entry) {
  const Ns3Host& host = *entry.host;
  places_[entry.place].exchange->set_up(entry.port, host.link_up() && host.powered() && !host.asleep());
}

void StackWorld::set_link_up(io::Host& host, bool up) {
  HostEntry& entry = entry_of(host);
  entry.host->set_link_up(up);
  set_port(entry);
}

void StackWorld::set_power(io::Host& host, bool on) {
  HostEntry& entry = entry_of(host);
  entry.host->set_power(on);
  set_port(entry);
}

void StackWorld::set_suspended(io::Host& host, bool suspended) {
  HostEntry& entry = entry_of(host);
  entry.host->set_asleep(suspended);
  set_port(entry);
}

void StackWorld::set_wall_clock(io::Host& host, Duration step, std::int32_t drift_ppm) {
  entry_of(host).host->set_wall_clock(step, drift_ppm);
}

void StackWorld::set_link(io::Host& host, const sim::LinkPlan& link) {
  const HostEntry& entry = entry_of(host);
  places_[entry.place].exchange->set_link(entry.port, link);
}

void StackWorld::set_link(sim::GatewayId gateway, const sim::LinkPlan& link) {
  const Place& place = places_[gateway];
  places_[place.outer].exchange->set_link(place.outer_port, link);
}

void StackWorld::set_region_path(std::uint16_t from, std::uint16_t to, const sim::RegionPathPlan& path) {
  places_[sim::kInternet].exchange->set_path(from, to, path);
}

void StackWorld::reboot_gateway(sim::GatewayId gateway, const std::vector<IpAddress>& external) {
  const Place& place = places_[gateway];
  if (external.empty()) return place.router->Restart();
  Exchange& outer = *places_[place.outer].exchange;
  for (const IpAddress& address : place.router->GetExternalAddresses()) outer.withdraw(address);
  for (const IpAddress& address : external) WEFT_ASSERT(outer.announce(address, place.outer_port));
  place.router->Restart(external);
}

/// By a new device: ns-3 cannot take one from a node. The old one stays, without addresses, on a port that loses all.
void StackWorld::move_host(io::Host& host, const sim::AttachmentPlan& to) {
  HostEntry& entry = entry_of(host);
  withdraw(entry);
  places_[entry.place].exchange->detach(entry.port);
  entry.host->unplug();
  attach(entry, to);
  set_port(entry);
}

void StackWorld::set_unsynced(io::Host& host, sim::Unsynced fate) {
  fabric::CrashMode mode = fabric::CrashMode::tear;
  if (fate != sim::Unsynced::torn)
    mode = fate == sim::Unsynced::lost ? fabric::CrashMode::lose : fabric::CrashMode::keep;
  entry_of(host).host->simulated_files().set_crash_mode(mode);
}

std::string StackWorld::trace_hash() const { return to_hex(log_.digest()); }

}  // namespace weft::stack
