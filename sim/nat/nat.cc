// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/nat.h"

#include <algorithm>
#include <expected>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/base/random.h"
#include "sim/nat/fragments.h"
#include "sim/nat/icmp.h"
#include "sim/nat/packet.h"
#include "sim/nat/port_allocator.h"
#include "sim/nat/table.h"

namespace weft::nat {
namespace {

using Action = Outcome::Action;
constexpr std::uint32_t kNone = Table::kNone;

std::array<bool, 2> translated_families(const Behavior& behavior, const std::vector<IpAddress>& external) {
  if (behavior.translation != Translation::nat) return {false, false};
  return {std::ranges::any_of(external, &IpAddress::is_v4), std::ranges::any_of(external, &IpAddress::is_v6)};
}

FragmentKey fragment_key(Side from, const Packet& packet) {
  return {from, packet.ip_protocol, packet.identification, packet.source.address, packet.destination.address};
}

Outcome dropped(DropReason reason) { return {.action = Action::drop, .reason = reason, .packets = {}, .reply = {}}; }
Outcome forwarded(Action action) { return {.action = action, .reason = DropReason::none, .packets = {}, .reply = {}}; }

}  // namespace

struct Nat::State {
  State(Behavior given, std::vector<IpAddress> addresses, Random& draws)
      : behavior(std::move(given)),
        external(std::move(addresses)),
        random(draws),
        allocator(behavior.ports, draws),
        table(behavior, translated_families(behavior, external)) {}

  Outcome translate(Time now, Side from, MutableByteView bytes);
  Outcome outbound(Time now, Packet& packet);
  Outcome inbound(Time now, Packet& packet);
  Outcome hairpin(Time now, Packet& packet);
  Outcome error_outbound(Packet& packet);
  Outcome error_inbound(Packet& packet, Action action);
  Outcome route(Side from, Packet& packet);
  Outcome later_fragment(Time now, Side from, MutableByteView bytes);

  std::expected<std::uint32_t, DropReason> open_outbound(Time now, const Packet& packet);
  std::expected<std::uint32_t, DropReason> open_binding(const Packet& packet);
  std::optional<Endpoint> choose_external(const Packet& packet);
  std::expected<std::uint32_t, DropReason> admit(Time now, const Packet& packet, const Endpoint& remote);
  Outcome refuse(Time now, const Packet& packet, DropReason reason);
  Outcome expired_in_transit(const Packet& packet, Side from) const;
  bool dies_here(const Packet& packet) const { return behavior.decrement_ttl && packet.ttl() <= 1; }
  void pass(Packet& packet) const {
    if (behavior.decrement_ttl) packet.decrement_ttl();
  }
  bool ours(const IpAddress& address) const { return std::ranges::find(external, address) != external.end(); }
  IpAddress reporter(IpFamily family, Side towards) const;

  Behavior behavior;
  std::vector<IpAddress> external;
  Random& random;
  PortAllocator allocator;
  Table table;
  FragmentTable fragments;
  NatCounters counters;
  std::uint64_t expired_before = 0;  // bindings that ended with a restart or before it
  std::optional<IpAddress> inside_address;
};

/// The address that an ICMP message of this box comes from; the unspecified one if it has none of the family.
IpAddress Nat::State::reporter(IpFamily family, Side towards) const {
  if (towards == Side::inside && inside_address && inside_address->family() == family) return *inside_address;
  const auto own = std::ranges::find(external, family, &IpAddress::family);
  return own == external.end() ? IpAddress::any(family) : *own;
}

Outcome Nat::State::expired_in_transit(const Packet& packet, Side from) const {
  Outcome outcome = dropped(DropReason::ttl_expired);
  // RFC 1122 §3.2.2: no ICMP error about an ICMP error.
  if (packet.icmp != IcmpKind::error)
    outcome.reply = time_exceeded(packet, reporter(packet.source.address.family(), from));
  return outcome;
}

Outcome Nat::State::refuse(Time now, const Packet& packet, DropReason reason) {
  Outcome outcome = dropped(reason);
  const bool tcp = packet.protocol == Protocol::tcp;
  const bool opens = packet.protocol == Protocol::udp || (tcp && (packet.tcp_flags & (kTcpSyn | kTcpAck)) == kTcpSyn);
  if (behavior.premature_inbound == PrematureInbound::occupies && opens) {
    table.occupy(now, packet.protocol, packet.destination, packet.source);
  }
  if (behavior.refusal == Refusal::silent || packet.protocol == Protocol::icmp || (packet.tcp_flags & kTcpRst))
    return outcome;
  const bool reset = tcp && behavior.refusal == Refusal::reset;
  outcome.reply = reset ? tcp_reset(packet) : port_unreachable(packet, packet.destination.address);
  return outcome;
}

/// The external endpoint of a new binding. Netfilter, under overloading, first tries what the internal endpoint already
/// has towards others.
std::optional<Endpoint> Nat::State::choose_external(const Packet& packet) {
  const Endpoint& internal = packet.source;
  if (!table.translated(internal.address)) return internal;
  const auto is_free = [&](const Endpoint& candidate) {
    return table.is_free(packet.protocol, candidate, packet.destination);
  };
  if (behavior.ports.overload && behavior.ports.allocation == Allocation::preserve) {
    const std::uint32_t latest = table.latest_binding(packet.protocol, internal);
    if (latest != kNone && is_free(table.binding(latest).external)) return table.binding(latest).external;
  }
  const auto same_family = [&](const IpAddress& address) { return address.family() == internal.address.family(); };
  const auto usable = static_cast<std::uint32_t>(std::ranges::count_if(external, same_family));
  std::uint64_t chosen = 0;
  if (usable > 1) {
    chosen =
        behavior.pooling == Pooling::paired ? table.subscriber(internal.address).number % usable : random.below(usable);
  }
  auto address = std::ranges::find_if(external, same_family);
  for (; chosen > 0; --chosen) address = std::find_if(std::next(address), external.end(), same_family);
  const auto port =
      allocator.allocate(internal.port, [&](std::uint16_t candidate) { return is_free({*address, candidate}); });
  if (!port) return std::nullopt;
  return Endpoint{*address, *port};
}

std::expected<std::uint32_t, DropReason> Nat::State::open_binding(const Packet& packet) {
  const std::uint32_t limit = behavior.mappings_per_subscriber;
  if (limit > 0 && table.subscriber(packet.source.address).bindings >= limit) {
    return std::unexpected(DropReason::subscriber_limit);
  }
  const auto chosen = choose_external(packet);
  if (!chosen) return std::unexpected(DropReason::no_port);
  ++counters.mappings_created;
  return table.add_binding(packet.protocol, packet.source, *chosen, packet.destination);
}

/// The session of an outbound packet, made if there is none, with the packet noted.
std::expected<std::uint32_t, DropReason> Nat::State::open_outbound(Time now, const Packet& packet) {
  std::uint32_t session = table.find_outbound(packet.protocol, packet.source, packet.destination);
  if (session == kNone) {
    if (packet.icmp == IcmpKind::echo_reply) return std::unexpected(DropReason::icmp_unmatched);
    std::uint32_t binding = table.find_binding(packet.protocol, packet.source, packet.destination);
    if (binding == kNone) {
      const auto opened = open_binding(packet);
      if (!opened) return std::unexpected(opened.error());
      binding = *opened;
    }
    session = table.add_session(now, binding, packet.destination, Direction::outbound);
  }
  table.note_packet(now, session, Direction::outbound, packet.tcp_flags);
  return session;
}

/// The session that a packet from `remote` to an external endpoint belongs to, made if the filter allows; not yet
/// noted.
std::expected<std::uint32_t, DropReason> Nat::State::admit(Time now, const Packet& packet, const Endpoint& remote) {
  const std::uint32_t session = table.find_inbound(packet.protocol, packet.destination, remote);
  if (session != kNone) return session;
  const std::uint32_t binding = table.binding_at(packet.protocol, packet.destination, remote);
  if (binding == kNone) return std::unexpected(DropReason::no_mapping);
  // A flow begins with a datagram or a SYN; nobody inside is asked by an echo from outside.
  const bool opens = packet.protocol == Protocol::udp || (packet.tcp_flags & (kTcpSyn | kTcpAck)) == kTcpSyn;
  if (!opens || !table.permitted(binding, remote)) return std::unexpected(DropReason::filtered);
  if (dies_here(packet)) return std::unexpected(DropReason::ttl_expired);
  return table.add_session(now, binding, remote, Direction::inbound);
}

Outcome Nat::State::outbound(Time now, Packet& packet) {
  if (packet.icmp == IcmpKind::error) return error_outbound(packet);
  if (dies_here(packet)) return expired_in_transit(packet, Side::inside);
  if (table.translated(packet.destination.address) && ours(packet.destination.address)) return hairpin(now, packet);
  const auto session = open_outbound(now, packet);
  if (!session) return dropped(session.error());
  packet.set_source(table.binding(table.session(*session).binding).external);
  pass(packet);
  return forwarded(Action::forward_out);
}

Outcome Nat::State::inbound(Time now, Packet& packet) {
  if (table.translated(packet.destination.address) && !ours(packet.destination.address))
    return dropped(DropReason::not_ours);
  if (packet.icmp == IcmpKind::error) return error_inbound(packet, Action::forward_in);
  const auto session = admit(now, packet, packet.source);
  if (!session && session.error() != DropReason::ttl_expired) return refuse(now, packet, session.error());
  if (!session || dies_here(packet)) return expired_in_transit(packet, Side::outside);
  table.note_packet(now, *session, Direction::inbound, packet.tcp_flags);
  packet.set_destination(table.binding(table.session(*session).binding).internal);
  pass(packet);
  return forwarded(Action::forward_in);
}

/// RFC 4787 §6: from inside to an external endpoint of this box. The target's filter sees the sender's external
/// endpoint.
Outcome Nat::State::hairpin(Time now, Packet& packet) {
  if (behavior.hairpinning == Hairpinning::none || packet.protocol == Protocol::icmp) {
    return refuse(now, packet, DropReason::hairpin_refused);
  }
  const auto sender = open_outbound(now, packet);
  if (!sender) return dropped(sender.error());
  const Endpoint seen_as = table.binding(table.session(*sender).binding).external;
  const auto target = admit(now, packet, seen_as);
  if (!target) return refuse(now, packet, target.error());
  table.note_packet(now, *target, Direction::inbound, packet.tcp_flags);
  if (behavior.hairpinning == Hairpinning::external_source) packet.set_source(seen_as);
  packet.set_destination(table.binding(table.session(*target).binding).internal);
  pass(packet);
  return forwarded(Action::hairpin);
}

/// An ICMP error from inside about a packet that came from outside (RFC 5508 §4.2): refreshes nothing.
Outcome Nat::State::error_outbound(Packet& packet) {
  auto quoted = parse_quoted(packet);
  if (!quoted || behavior.icmp_errors == IcmpErrors::dropped) return dropped(DropReason::icmp_unmatched);
  const Endpoint internal = quoted->destination;
  const std::uint32_t session = table.find_outbound(quoted->protocol, internal, quoted->source);
  const std::uint32_t number = session == kNone ? table.find_binding(quoted->protocol, internal, quoted->source)
                                                : table.session(session).binding;
  if (number == kNone) return dropped(DropReason::icmp_unmatched);
  if (dies_here(packet)) return dropped(DropReason::ttl_expired);
  const Endpoint mapped = table.binding(number).external;
  rewrite_quoted(packet, *quoted, quoted->source, mapped);
  if (table.translated(packet.source.address)) packet.set_source({mapped.address, 0});
  if (table.translated(packet.destination.address) && ours(packet.destination.address)) {
    return error_inbound(packet, Action::hairpin);
  }
  pass(packet);
  return forwarded(Action::forward_out);
}

/// An ICMP error from outside about a packet that one of our flows sent (RFC 5508 §4.1): refreshes nothing.
Outcome Nat::State::error_inbound(Packet& packet, Action action) {
  auto quoted = parse_quoted(packet);
  if (!quoted || behavior.icmp_errors == IcmpErrors::dropped) return dropped(DropReason::icmp_unmatched);
  const Endpoint mapped = quoted->source;
  const std::uint32_t session = table.find_inbound(quoted->protocol, mapped, quoted->destination);
  const std::uint32_t number = session == kNone ? table.binding_at(quoted->protocol, mapped, quoted->destination)
                                                : table.session(session).binding;
  if (number == kNone) return dropped(DropReason::icmp_unmatched);
  if (dies_here(packet)) return dropped(DropReason::ttl_expired);
  const Endpoint internal = table.binding(number).internal;
  rewrite_quoted(packet, *quoted, internal, quoted->destination);
  packet.set_destination({internal.address, 0});
  pass(packet);
  return forwarded(action);
}

/// A router: ports do not matter, so any protocol and any fragment passes.
Outcome Nat::State::route(Side from, Packet& packet) {
  if (packet.ip_protocol == static_cast<std::uint8_t>(Protocol::udp) && behavior.udp == UdpPolicy::blocked) {
    return dropped(DropReason::udp_blocked);
  }
  if (dies_here(packet)) return expired_in_transit(packet, from);
  pass(packet);
  return forwarded(from == Side::inside ? Action::forward_out : Action::forward_in);
}

/// Follows the first fragment of its packet (RFC 4787 REQ-14).
Outcome Nat::State::later_fragment(Time now, Side from, MutableByteView bytes) {
  auto packet = parse_network_header(bytes);
  const FragmentRoute* route = packet ? fragments.find(now, fragment_key(from, *packet)) : nullptr;
  if (route == nullptr) return dropped(DropReason::fragment);
  if (dies_here(*packet)) return dropped(DropReason::ttl_expired);
  packet->set_source({route->source, 0});
  packet->set_destination({route->destination, 0});
  pass(*packet);
  return forwarded(route->action);
}

Outcome Nat::State::translate(Time now, Side from, MutableByteView bytes) {
  table.expire(now);
  const bool routes = behavior.translation == Translation::none;
  auto packet = routes ? parse_network_header(bytes) : parse_packet(bytes);
  if (!packet && packet.error() == DropReason::fragment) return later_fragment(now, from, bytes);
  if (!packet) return dropped(packet.error());
  if (routes) return route(from, *packet);
  if (packet->protocol == Protocol::udp && behavior.udp == UdpPolicy::blocked) return dropped(DropReason::udp_blocked);
  if (!packet->fragment) return from == Side::inside ? outbound(now, *packet) : inbound(now, *packet);
  const FragmentKey key = fragment_key(from, *packet);
  const Outcome outcome = from == Side::inside ? outbound(now, *packet) : inbound(now, *packet);
  if (outcome.forwarded()) {
    fragments.remember(now, key, {outcome.action, packet->source.address, packet->destination.address});
  }
  return outcome;
}

Nat::Nat(Behavior behavior, std::vector<IpAddress> external, Random& random) {
  WEFT_ASSERT(behavior.translation != Translation::nat || !external.empty());
  WEFT_ASSERT(!behavior.ports.overload || (behavior.mapping == Mapping::address_and_port_dependent &&
                                           behavior.filtering == Filtering::address_and_port_dependent));
  state_ = std::make_unique<State>(std::move(behavior), std::move(external), random);
}

Nat::~Nat() = default;

Outcome Nat::translate(Time now, Side from, MutableByteView ip_packet) {
  Outcome outcome = state_->translate(now, from, ip_packet);
  NatCounters& counters = state_->counters;
  switch (outcome.action) {
    case Action::forward_out:
      ++counters.outbound;
      break;
    case Action::forward_in:
      ++counters.inbound;
      break;
    case Action::hairpin:
      ++counters.hairpinned;
      break;
    case Action::held:
      break;
    case Action::drop:
      ++counters.dropped[static_cast<std::size_t>(outcome.reason)];
      break;
  }
  return outcome;
}

void Nat::set_inside_address(const IpAddress& address) { state_->inside_address = address; }

void Nat::restart(std::optional<std::vector<IpAddress>> external) {
  auto fresh =
      std::make_unique<State>(state_->behavior, external ? *std::move(external) : state_->external, state_->random);
  fresh->counters = counters();
  fresh->expired_before = fresh->counters.mappings_expired + state_->table.binding_count();
  fresh->inside_address = state_->inside_address;
  state_ = std::move(fresh);
}

const Behavior& Nat::behavior() const { return state_->behavior; }
const std::vector<IpAddress>& Nat::external() const { return state_->external; }

const NatCounters& Nat::counters() const {
  state_->counters.mappings_expired = state_->expired_before + state_->table.bindings_expired();
  return state_->counters;
}

std::size_t Nat::mapping_count(Time now) {
  state_->table.expire(now);
  return state_->table.binding_count();
}

}  // namespace weft::nat
