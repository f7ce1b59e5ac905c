// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/router.h"

#include <algorithm>

#include "mesh/base/assert.h"
#include "sim/fabric/event_loop.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/headers.h"
#include "sim/fabric/router_address.h"
#include "sim/nat/nat.h"
#include "sim/trace/recorder.h"

namespace weft::fabric {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::uint8_t kOutside = 0, kInside = 1;
constexpr Duration kRepeatWithin = 2s;

IcmpReason icmp_reason(DropReason reason) {
  if (reason == DropReason::ttl_expired) return IcmpReason::time_exceeded;
  return reason == DropReason::too_big ? IcmpReason::too_big : IcmpReason::no_route;
}

}  // namespace

Router::Router(Network& network, EventLoop& loop) : network_(network), loop_(loop), pool_(*this), realms_(1) {}

Router::~Router() = default;

NodeId Router::add_host(const HostOptions& options) {
  WEFT_ASSERT(options.realm < realms_.size());
  const auto node = static_cast<NodeId>(places_.size());
  places_.push_back(std::make_unique<Place>(options.link, network_.seed(), options.name));
  Place& host = *places_.back();
  host.realm = options.realm;
  host.region = options.region;
  host.addresses = options.addresses;
  announce(node);
  return node;
}

NatPlace Router::add_nat(const NatOptions& options, const nat::Behavior& behavior) {
  WEFT_ASSERT(options.outer < realms_.size());
  const auto node = static_cast<NodeId>(places_.size());
  const auto inside = static_cast<RealmId>(realms_.size());
  places_.push_back(std::make_unique<Place>(options.link, network_.seed(), options.name));
  Place& place = *places_.back();
  place.realm = options.outer;
  place.region = options.region;
  place.addresses = options.external;
  place.gateway = std::make_unique<Gateway>();
  place.gateway->inside = inside;
  place.gateway->random = std::make_unique<SeededRandom>(network_.seed(), "nat/" + options.name);
  place.gateway->nat = std::make_unique<nat::Nat>(behavior, options.external, *place.gateway->random);
  place.gateway->inside_address = options.inside_address;
  if (!options.inside_address.is_unspecified()) place.gateway->nat->set_inside_address(options.inside_address);
  Realm realm;
  realm.on_link = options.on_link;
  realm.gateway = node;
  realm.path = {.latency = options.inside_latency, .hops = options.inside_hops};
  realms_.push_back(std::move(realm));
  announce(node);
  return {node, inside};
}

bool Router::translates(const Gateway& gateway, IpFamily family) const {
  if (gateway.nat->behavior().translation != nat::Translation::nat) return false;
  return std::ranges::any_of(gateway.nat->external(),
                             [&](const IpAddress& address) { return address.family() == family; });
}

/// Enters the addresses of a place into its realm, and into the realms outside as far as no NAT translates them.
void Router::announce(NodeId node) {
  Place& place = *places_[node];
  for (const IpAddress& address : place.addresses) {
    NodeId via = node;
    RealmId realm = place.realm;
    while (true) {
      const bool fresh = realms_[realm].addresses.insert(address, via);
      WEFT_ASSERT(fresh || realm != place.realm);  // an address belongs to one place of a realm
      if (fresh) place.exposed.emplace_back(realm, address);
      const auto& gateway = realms_[realm].gateway;
      if (!gateway || translates(*places_[*gateway]->gateway, address.family()) || address.is_link_local()) break;
      if (places_[*gateway]->realm == kInternet && address.is_private()) break;  // the Internet does not route it
      via = *gateway;
      realm = places_[via]->realm;
    }
  }
}

void Router::withdraw(NodeId node) {
  for (const auto& [realm, address] : places_[node]->exposed) realms_[realm].addresses.erase(address);
  places_[node]->exposed.clear();
}

std::optional<IpAddress> Router::gateway_address(RealmId realm) const {
  const auto& gateway = realms_[realm].gateway;
  if (!gateway || places_[*gateway]->gateway->inside_address.is_unspecified()) return std::nullopt;
  return places_[*gateway]->gateway->inside_address;
}

std::optional<Prefix> Router::nat64_prefix(RealmId realm) const {
  const auto& gateway = realms_[realm].gateway;
  if (!gateway) return std::nullopt;
  const nat::Behavior& behavior = places_[*gateway]->gateway->nat->behavior();
  return behavior.translation == nat::Translation::nat64 ? std::optional(behavior.nat64_prefix) : std::nullopt;
}

void Router::join_group(NodeId node, const IpAddress& group) {
  realms_[place(node).realm].groups.emplace_back(group, node);
}

void Router::move(NodeId node, RealmId realm, RegionId region, std::vector<IpAddress> addresses) {
  WEFT_ASSERT(realm < realms_.size());
  Place& moved = place(node);
  withdraw(node);
  std::erase_if(realms_[moved.realm].groups, [node](const auto& each) { return each.second == node; });
  moved.realm = realm;
  moved.region = region;
  moved.addresses = std::move(addresses);
  ++moved.generation;
  announce(node);
}

void Router::replace_nat(NodeId node, const nat::Behavior& behavior) {
  Place& outside = place(node);
  Gateway& gateway = *outside.gateway;
  gateway.nat = std::make_unique<nat::Nat>(behavior, outside.addresses, *gateway.random);
  if (!gateway.inside_address.is_unspecified()) gateway.nat->set_inside_address(gateway.inside_address);
  for (NodeId other = 0; other < places_.size(); ++other) {
    if (places_[other]->realm != gateway.inside) continue;
    withdraw(other);
    announce(other);
  }
}

void Router::readdress_nat(NodeId node, std::vector<IpAddress> external) {
  Place& outside = place(node);
  const nat::Behavior behavior = outside.gateway->nat->behavior();
  withdraw(node);
  outside.addresses = std::move(external);
  ++outside.generation;
  announce(node);
  replace_nat(node, behavior);
}

void Router::set_blocked(NodeId a, NodeId b, bool blocked) {
  for (const auto& pair : {std::pair{a, b}, std::pair{b, a}}) {
    if (blocked) {
      blocked_.insert(pair);
    } else {
      blocked_.erase(pair);
    }
  }
}

void Router::send(NodeId from, Packet& packet) {
  Place& near = place(from);
  packet.from = from;
  packet.from_inside = false;
  near.sent_bytes += packet.bytes.size();
  note(packet, from, kOutside, Direction::sent);
  if (loses_ && loses_(packet.bytes)) return drop(packet, from, DropReason::filtered);
  const auto up = near.link.up(loop_.now(), packet.bytes.size());
  if (const auto* lost = std::get_if<DropReason>(&up)) return drop(packet, from, *lost);
  route(packet, near.realm, near.region, std::get<Duration>(up));
}

void Router::send_local(NodeId node, Packet& packet) {
  packet.from = node;
  schedule(packet, Packet::Stage::local, node, Duration{0});
}

void Router::inject_inside(NodeId gateway, Packet& packet) {
  Place& nat = place(gateway);
  packet.from = gateway;
  packet.from_inside = true;
  note(packet, gateway, kInside, Direction::sent);
  route(packet, nat.gateway->inside, nat.region, Duration{0});
}

void Router::route(Packet& packet, RealmId realm_id, RegionId region, Duration before) {
  const Realm& realm = realms_[realm_id];
  const IpAddress destination = destination_of(packet.bytes);
  Leg leg{realm.path, before, region};
  if (const auto found = realm.addresses.find(destination)) {
    if (realm_id == kInternet) leg.path = network_.regions().path(region, place(*found).region);
    return forward(packet, *found, leg);
  }
  if (destination.is_multicast()) return to_group(packet, realm, leg);
  if (std::ranges::any_of(realm.on_link, [&](const Prefix& prefix) { return prefix.contains(destination); })) {
    return drop(packet, packet.from, DropReason::no_route);
  }
  if (realm.gateway && !packet.from_inside) return to_gateway(packet, *realm.gateway, leg);
  if (realm_id == kInternet) leg.path = network_.regions().path(region, region);
  report(packet, DropReason::no_route, leg, 1, 0);
}

bool Router::survives(Packet& packet, const Leg& leg) {
  if (leg.path.cut) {
    drop(packet, packet.from, DropReason::partition);
    return false;
  }
  if (ttl_of(packet.bytes) <= leg.path.hops) {
    report(packet, DropReason::ttl_expired, leg, ttl_of(packet.bytes), 0);
    return false;
  }
  return true;
}

/// Whether the link at the end of a leg takes the packet whole or, if it may be fragmented, in pieces. Routers cut IPv4
/// only; an IPv6 packet comes in pieces of the size that its sender's own link takes (RFC 8200 §5).
bool Router::fits(Packet& packet, const LinkOptions& link, const Leg& leg) {
  const bool v4 = packet.bytes[0] >> 4 == 4;
  const std::size_t whole = packet.bytes.size();
  const std::size_t largest =
      packet.may_fragment && !v4 ? std::min<std::size_t>(whole, place(packet.from).link.options().mtu) : whole;
  if (largest <= link.mtu || (packet.may_fragment && v4)) return true;
  const bool tcp = packet.bytes[v4 ? 9 : 6] == kTcp;
  if (link.black_hole && !tcp) {
    drop(packet, packet.from, DropReason::too_big);
  } else {
    report(packet, DropReason::too_big, leg, leg.path.hops, link.mtu);
  }
  return false;
}

void Router::forward(Packet& packet, NodeId to, const Leg& leg) {
  Place& far = place(to);
  if (!blocked_.empty() && blocked_.contains({packet.from, to}))
    return drop(packet, packet.from, DropReason::partition);
  if (!survives(packet, leg)) return;
  if (leg.path.loss_ppm != 0 && region_random(leg.region, far.region).chance(leg.path.loss_ppm, kMillion)) {
    return drop(packet, packet.from, DropReason::region_loss);
  }
  if (!fits(packet, far.link.options(), leg)) return;
  if (leg.path.hops != 0) decrement_ttl(packet.bytes, leg.path.hops);
  packet.generation = far.generation;
  if (leg.path.repeat_ppm != 0) repeat(packet, to, leg);
  schedule(packet, Packet::Stage::downlink, to, leg.before + leg.path.latency);
}

/// Somebody on the way sends a copy of the packet later.
void Router::repeat(const Packet& packet, NodeId to, const Leg& leg) {
  Random& random = region_random(leg.region, place(to).region);
  if (!random.chance(leg.path.repeat_ppm, kMillion)) return;
  const auto later = Duration(static_cast<std::int64_t>(random.below(kRepeatWithin.count())));
  schedule(copy_of(packet), Packet::Stage::downlink, to, leg.before + leg.path.latency + later);
}

Packet& Router::copy_of(const Packet& packet) {
  Packet& copy = take();
  copy.bytes = packet.bytes;
  copy.cause = packet.cause;
  copy.from = packet.from;
  copy.from_inside = packet.from_inside;
  copy.generation = packet.generation;
  copy.may_fragment = packet.may_fragment;
  return copy;
}

/// A multicast packet stays in its realm: a copy for each member but the sender.
void Router::to_group(Packet& packet, const Realm& realm, const Leg& leg) {
  const IpAddress group = destination_of(packet.bytes);
  for (const auto& [joined, member] : realm.groups) {
    if (joined != group || (member == packet.from && !packet.from_inside)) continue;
    forward(copy_of(packet), member, leg);
  }
  give_back(packet);
}

void Router::to_gateway(Packet& packet, NodeId gateway, const Leg& leg) {
  if (!survives(packet, leg)) return;
  if (!fits(packet, place(gateway).link.options(), leg)) return;
  if (leg.path.hops != 0) decrement_ttl(packet.bytes, leg.path.hops);
  schedule(packet, Packet::Stage::nat_inside, gateway, leg.before + leg.path.latency);
}

/// Lets the packet travel to router number `hop` of its leg, where it ends and the sender is answered.
void Router::report(Packet& packet, DropReason reason, const Leg& leg, std::uint8_t hop, std::uint16_t mtu) {
  const Duration travelled = leg.path.hops == 0 ? leg.path.latency : leg.path.latency * hop / leg.path.hops;
  packet.reason = reason;
  packet.mtu = mtu;
  packet.reporter = router_address(destination_of(packet.bytes).family(), leg.region, hop);
  packet.way_back = travelled;
  schedule(packet, Packet::Stage::report, packet.from, leg.before + travelled);
}

void Router::answer(Packet& packet) {
  const auto error = make_icmp_error(packet.reporter, packet.bytes, icmp_reason(packet.reason), packet.mtu);
  const NodeId sender = packet.from;
  const bool inside = packet.from_inside;
  const Duration way_back = packet.way_back;
  drop(packet, sender, packet.reason);
  if (!error) return;
  loop_.set_cause(packet.cause);  // the drop
  Packet& reply = take();
  reply.bytes.assign(error->begin(), error->end());
  reply.from = sender;
  reply.generation = place(sender).generation;
  schedule(reply, inside ? Packet::Stage::nat_inside : Packet::Stage::downlink, sender, way_back);
}

void Router::approach(const Packet& packet, unsigned step) const {
  const Place* here = places_[packet.to].get();
  if (step == 0) {
    fetch_ahead(here, 3);
    return fetch_ahead(packet.bytes.data(), 2);
  }
  if (here->host == nullptr) return;
  here->host->approach(step);
  // An answer is what most packets lead to.
  if (packet.bytes.size() < 40) return;
  const AddressTable& addresses = realms_[here->realm].addresses;
  if (step == 1) addresses.approach(source_of(packet.bytes));
  if (step != 3) return;
  if (const auto sender = addresses.find(source_of(packet.bytes))) fetch_ahead(places_[*sender].get(), 3);
}

void Router::step(Packet& packet) {
  switch (packet.stage) {
    case Packet::Stage::downlink:
      at_downlink(packet);
      break;
    case Packet::Stage::arrival:
      arrive(packet);
      break;
    case Packet::Stage::nat_inside:
      at_nat(packet, true);
      break;
    case Packet::Stage::report:
      answer(packet);
      break;
    case Packet::Stage::local:
      place(packet.to).host->receive_packet(packet);
      break;
  }
  loop_.after_event();
}

void Router::at_downlink(Packet& packet) {
  const auto down = place(packet.to).link.down(loop_.now(), packet.bytes.size());
  if (const auto* lost = std::get_if<DropReason>(&down)) return drop(packet, packet.to, *lost);
  schedule(packet, Packet::Stage::arrival, packet.to, std::get<Duration>(down));
}

void Router::arrive(Packet& packet) {
  Place& here = place(packet.to);
  if (packet.generation != here.generation) return drop(packet, packet.to, DropReason::moved);
  if (!here.link.options().up) return drop(packet, packet.to, DropReason::link_down);
  if (here.gateway) return at_nat(packet, false);
  note(packet, packet.to, kOutside, Direction::received);
  ++delivered_;
  loop_.set_cause(packet.cause);
  here.host->receive_packet(packet);
}

void Router::at_nat(Packet& packet, bool from_inside) {
  const NodeId node = packet.to;
  nat::Nat& nat = *place(node).gateway->nat;
  note(packet, node, from_inside ? kInside : kOutside, Direction::received);
  const auto before = recorder_ == nullptr ? std::nullopt : tracing::flow_of(packet.bytes);
  auto outcome = nat.translate(loop_.now(), from_inside ? nat::Side::inside : nat::Side::outside, packet.bytes);
  loop_.set_cause(packet.cause);
  const bool may_fragment = packet.may_fragment;
  if (!outcome.packets.empty()) packet.bytes.assign(outcome.packets[0].begin(), outcome.packets[0].end());
  if (before && outcome.forwarded()) record_translation(packet, node, from_inside, *before);
  if (nat.next_deadline()) wake_nat(node);
  from_nat(packet, node, outcome);
  for (std::size_t i = 1; i < outcome.packets.size(); ++i) {
    Packet& further = take();
    further.bytes.assign(outcome.packets[i].begin(), outcome.packets[i].end());
    further.may_fragment = may_fragment;
    from_nat(further, node, outcome);
  }
  if (!outcome.reply) return;
  Packet& reply = take();
  reply.bytes = std::move(*outcome.reply);
  if (from_inside) return inject_inside(node, reply);
  send(node, reply);
}

void Router::wake_nat(NodeId node) {
  Gateway& gateway = *place(node).gateway;
  const auto due = gateway.nat->next_deadline();
  if (!due || std::exchange(gateway.wakes, true)) return;
  loop_.at(*due, [this, node] {
    Gateway& here = *place(node).gateway;
    here.wakes = false;
    while (auto bytes = here.nat->poll_transmit(loop_.now())) {
      Packet& packet = take();
      packet.bytes = std::move(*bytes);
      send(node, packet);
    }
    wake_nat(node);
  });
}

/// Sends what the NAT at `node` has let through on its way.
void Router::from_nat(Packet& packet, NodeId node, const nat::Outcome& outcome) {
  switch (outcome.action) {
    case nat::Outcome::Action::forward_out:
      return send(node, packet);
    case nat::Outcome::Action::forward_in:
    case nat::Outcome::Action::hairpin:
      return inject_inside(node, packet);
    case nat::Outcome::Action::held:
      return give_back(packet);
    case nat::Outcome::Action::drop:
      return drop(packet, node, DropReason::nat, nat::to_string(outcome.reason));
  }
}

void Router::schedule(Packet& packet, Packet::Stage stage, NodeId to, Duration delay) {
  packet.stage = stage;
  packet.to = to;
  // Without a rate nothing queues, so the downlink is decided upon at once and the packet costs one event less.
  if (stage == Packet::Stage::downlink && place(to).link.options().down_bps == 0) {
    const auto down = place(to).link.down(loop_.now(), packet.bytes.size());
    if (const auto* lost = std::get_if<DropReason>(&down)) return drop(packet, to, *lost);
    packet.stage = Packet::Stage::arrival;
    delay += std::get<Duration>(down);
  }
  loop_.schedule(delay, packet);
}

void Router::drop(Packet& packet, NodeId at, DropReason reason, std::string_view detail) {
  ++drops_[static_cast<std::size_t>(reason)];
  note(packet, at, kOutside, Direction::dropped, reason, detail);
  give_back(packet);
}

void Router::note(Packet& packet, NodeId node, std::uint8_t interface, Direction direction, DropReason reason,
                  std::string_view detail) {
  const WireEvent event{loop_.now(), node, interface, direction, reason, packet.bytes};
  trace_.add(event);
  if (observer_) observer_(event);
  if (recorder_ == nullptr) return;
  record(packet, node, interface, direction, detail.empty() && reason != DropReason::none ? to_string(reason) : detail);
}

void Router::record(Packet& packet, NodeId node, std::uint8_t interface, Direction direction, std::string_view reason) {
  tracing::Kind kind = tracing::Kind::sent;
  if (direction != Direction::sent) {
    kind = direction == Direction::received ? tracing::Kind::received : tracing::Kind::dropped;
  }
  tracing::Interface where = tracing::Interface::eth0;
  if (place(node).gateway) where = interface == kInside ? tracing::Interface::inside : tracing::Interface::outside;
  packet.cause = recorder_->record({.cause = packet.cause,
                                    .at = loop_.now(),
                                    .node = node,
                                    .kind = kind,
                                    .interface = where,
                                    .packet = packet.bytes,
                                    .reason = reason});
}

void Router::record_translation(Packet& packet, NodeId node, bool from_inside, const tracing::Flow& before) {
  packet.cause = recorder_->record_translation(
      {.cause = packet.cause,
       .at = loop_.now(),
       .node = node,
       .interface = from_inside ? tracing::Interface::inside : tracing::Interface::outside,
       .packet = packet.bytes},
      before);
  loop_.set_cause(packet.cause);
}

Packet& Router::take() {
  Packet& packet = pool_.take();
  packet.cause = loop_.cause();
  return packet;
}

SeededRandom& Router::region_random(RegionId from, RegionId to) {
  const auto pair = std::pair{from, to};
  auto found = region_randoms_.find(pair);
  if (found == region_randoms_.end()) {
    const std::string name = "region/" + std::to_string(from) + "/" + std::to_string(to);
    found = region_randoms_.emplace(pair, SeededRandom(network_.seed(), name)).first;
  }
  return found->second;
}

std::string_view to_string(DropReason reason) {
  switch (reason) {
    case DropReason::none:
      return "none";
    case DropReason::link_down:
      return "link_down";
    case DropReason::link_loss:
      return "link_loss";
    case DropReason::queue_full:
      return "queue_full";
    case DropReason::region_loss:
      return "region_loss";
    case DropReason::partition:
      return "partition";
    case DropReason::no_route:
      return "no_route";
    case DropReason::ttl_expired:
      return "ttl_expired";
    case DropReason::too_big:
      return "too_big";
    case DropReason::nat:
      return "nat";
    case DropReason::moved:
      return "moved";
    case DropReason::powered_off:
      return "powered_off";
    case DropReason::suspended:
      return "suspended";
    case DropReason::malformed:
      return "malformed";
    case DropReason::filtered:
      return "filtered";
    case DropReason::count_:
      break;
  }
  return "unknown";
}

}  // namespace weft::fabric
