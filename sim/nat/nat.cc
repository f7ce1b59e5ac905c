// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/nat.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/base/random.h"
#include "sim/nat/header_translation.h"
#include "sim/nat/icmp.h"
#include "sim/nat/nat_state.h"
#include "sim/nat/rfc6052.h"

namespace weft::nat {
namespace {

using Action = Outcome::Action;

std::array<bool, 2> translated_families(const Behavior& behavior, const std::vector<IpAddress>& external) {
  const bool v4 = std::ranges::any_of(external, &IpAddress::is_v4);
  const bool v6 = std::ranges::any_of(external, &IpAddress::is_v6);
  if (behavior.translation == Translation::nat64) return {v4, false};
  if (behavior.translation == Translation::nat) return {v4, v6};
  return {false, false};
}

std::vector<IpAddress> of_family(const std::vector<IpAddress>& addresses, IpFamily family) {
  std::vector<IpAddress> chosen;
  std::ranges::copy_if(addresses, std::back_inserter(chosen), [&](const IpAddress& a) { return a.family() == family; });
  return chosen;
}

/// Whether an IPv4 packet of a flow that is known and in no way special is but translated.
bool leaves_plain_packets_alone(const Behavior& behavior) {
  const bool stateful = behavior.translation == Translation::nat || behavior.translation == Translation::firewall;
  return stateful && behavior.untranslated.empty() && behavior.udp == UdpPolicy::allowed &&
         behavior.ip_id == IpId::preserve;
}

FragmentKey fragment_key(Side from, const Packet& packet) {
  return {from, packet.ip_protocol, packet.identification, packet.source.address, packet.destination.address};
}

/// A flow begins with a datagram or a SYN; nobody inside is asked by an echo from outside.
bool opens_flow(const Packet& packet) {
  if (packet.protocol == Protocol::tcp) return (packet.tcp_flags & (kTcpSyn | kTcpAck)) == kTcpSyn;
  return packet.protocol == Protocol::udp;
}

}  // namespace

Nat::State::State(Behavior given, std::vector<IpAddress> addresses, Random& draws)
    : behavior(std::move(given)),
      external(std::move(addresses)),
      plain_(leaves_plain_packets_alone(behavior)),
      random(draws),
      table(behavior, translated_families(behavior, external)),
      statics(table, external, behavior.ports.blocks.mode == BlockMode::none ? nullptr : &pool_v4),
      pool_v4(behavior, of_family(external, IpFamily::v4), table, draws),
      pool_v6(behavior, of_family(external, IpFamily::v6), table, draws),
      identifications(draws) {
  for (const IpAddress& address : of_family(external, IpFamily::v4)) external_v4_.push_back(address.v4_host_order());
  if (behavior.ports.blocks.mode != BlockMode::dynamic) return;
  table.on_binding_end = [this](const Binding& binding) { pool(binding.external).count_mapping(binding.external, -1); };
}

/// The address that an ICMP message of this box comes from; the unspecified one if it has none of the family.
IpAddress Nat::State::reporter(IpFamily family, Side towards) const {
  if (towards == Side::inside && inside_address && inside_address->family() == family) return *inside_address;
  const auto own = std::ranges::find(external, family, &IpAddress::family);
  return own == external.end() ? IpAddress::any(family) : *own;
}

/// Where a packet from inside really goes: behind a NAT64 an IPv4 address may be inside the IPv6 one.
Endpoint Nat::State::to_outside(const Endpoint& destination) const {
  if (behavior.translation != Translation::nat64) return destination;
  const auto embedded = embedded_ipv4(behavior.nat64_prefix, destination.address);
  return embedded ? Endpoint{*embedded, destination.port} : destination;
}

/// How `internal` knows a remote endpoint.
Endpoint Nat::State::to_inside(const Endpoint& remote, const Endpoint& internal) const {
  if (remote.address.family() == internal.address.family()) return remote;
  return {embed_ipv4(behavior.nat64_prefix, remote.address), remote.port};
}

Outcome Nat::State::expired_in_transit(const Packet& packet, Side from) const {
  Outcome outcome = dropped(DropReason::ttl_expired);
  // RFC 1122 §3.2.2: no ICMP error about an ICMP error.
  if (packet.icmp != IcmpKind::error)
    outcome.reply = time_exceeded(packet, reporter(packet.source.address.family(), from));
  return outcome;
}

Outcome Nat::State::refuse_inbound(Time now, const Packet& packet, DropReason reason) {
  Outcome outcome = dropped(reason);
  if (behavior.premature_inbound == PrematureInbound::occupies && opens_flow(packet)) {
    const Key at = table.key(packet.protocol, packet.destination), remote = table.key(packet.protocol, packet.source);
    if (table.find_inbound(at, remote) == kNone) table.occupy(now, at, remote);
  }
  if (packet.protocol == Protocol::tcp && opens_flow(packet) && behavior.syn_refusal_after > Duration{0}) {
    late.add(now + behavior.syn_refusal_after, table.key(packet.protocol, packet.destination),
             table.key(packet.protocol, packet.source), port_unreachable(packet, packet.destination.address));
    return outcome;
  }
  if (behavior.refusal == Refusal::silent || packet.protocol == Protocol::icmp || (packet.tcp_flags & kTcpRst))
    return outcome;
  const bool reset = packet.protocol == Protocol::tcp && behavior.refusal == Refusal::reset;
  outcome.reply = reset ? tcp_reset(packet) : port_unreachable(packet, packet.destination.address);
  return outcome;
}

/// RFC 5508 REQ-8 for what there is no room for; the model's refusal for what a policy forbids.
Outcome Nat::State::refuse_outbound(const Packet& packet, DropReason reason) const {
  Outcome outcome = dropped(reason);
  const bool policy = reason == DropReason::policy;
  const bool exhausted = reason == DropReason::no_port || reason == DropReason::no_block ||
                         reason == DropReason::table_full || reason == DropReason::subscriber_limit;
  const bool answers = policy ? behavior.refusal != Refusal::silent : behavior.exhaustion == Exhaustion::icmp;
  if ((!policy && !exhausted) || !answers || (packet.tcp_flags & kTcpRst)) return outcome;
  const bool reset = policy && behavior.refusal == Refusal::reset && packet.protocol == Protocol::tcp;
  outcome.reply =
      reset ? tcp_reset(packet) : prohibited(packet, reporter(packet.source.address.family(), Side::inside));
  return outcome;
}

bool Nat::State::allowed(Key remote) const {
  const auto& ports = remote.protocol() == Protocol::tcp ? behavior.tcp_ports : behavior.udp_ports;
  if (!ports || remote.protocol() == Protocol::icmp) return true;
  return std::ranges::find(*ports, remote.port()) != ports->end();
}

/// Whether one more flow fits, after another has gone if the model says so.
bool Nat::State::make_room() {
  if (behavior.table.flows == 0 || table.session_count() < behavior.table.flows) return true;
  switch (behavior.table.when_full) {
    case WhenFull::refuse:
      return false;
    case WhenFull::evict_oldest:
      return table.evict_oldest();
    case WhenFull::evict_unreplied:
      break;
  }
  const std::uint64_t start = random.below(table.session_records());
  return table.evict_unreplied(static_cast<std::uint32_t>(start));
}

/// Before a SYN that may begin another connection than the closed `session`: ends that one, which is kNone then. False:
/// the packet belongs to no flow.
bool Nat::State::make_way(const Packet& packet, Direction direction, std::uint32_t& session) {
  if (session == kNone || behavior.tcp_reopening == TcpReopening::same_flow) return true;
  if (packet.protocol != Protocol::tcp || !opens_flow(packet)) return true;
  const Session& closed = table.session(session);
  if (!closed.tcp.closed()) return true;
  const Direction opener = closed.begun_inside ? Direction::outbound : Direction::inbound;
  const SynAfterClose verdict = closed.tcp.syn_after_close(direction, opener);
  if (verdict == SynAfterClose::new_flow) {
    table.end(session);
    session = kNone;
  }
  return verdict != SynAfterClose::invalid;
}

std::expected<std::uint32_t, DropReason> Nat::State::open_binding(Key near, Key remote) {
  const std::uint32_t limit = behavior.mappings_per_subscriber;
  if (limit > 0 && table.subscriber(table.subscriber_of(near)).bindings >= limit) {
    return std::unexpected(DropReason::subscriber_limit);
  }
  Key chosen = near;
  if (table.translated(remote)) {
    const auto found = pool(remote).choose(near, remote);
    if (!found) return std::unexpected(found.error());
    chosen = *found;
    pool(remote).count_mapping(chosen, 1);
  }
  ++counters.mappings_created;
  return table.add_binding(near, chosen, remote);
}

/// The session of an outbound packet, made if there is none, with the packet noted.
std::expected<std::uint32_t, DropReason> Nat::State::open_outbound(Time now, const Packet& packet, Key near,
                                                                   Key remote) {
  std::uint32_t session = table.find_outbound(near, remote);
  if (!make_way(packet, Direction::outbound, session)) return std::unexpected(DropReason::filtered);
  if (session == kNone) {
    if (packet.icmp == IcmpKind::echo_reply) return std::unexpected(DropReason::icmp_unmatched);
    if (!allowed(remote) && !own(near)) return std::unexpected(DropReason::policy);
    if (!make_room()) return std::unexpected(DropReason::table_full);
    std::uint32_t binding = table.find_binding(near, remote);
    if (binding == kNone) {
      const auto opened = open_binding(near, remote);
      if (!opened) return std::unexpected(opened.error());
      binding = *opened;
    }
    session = table.add_session(now, binding, remote, Direction::outbound);
  }
  table.note_packet(now, session, Direction::outbound, packet.tcp_flags);
  return session;
}

/// The session that a packet from `remote` to the external endpoint `at` belongs to, made if the filter allows; not yet
/// noted.
std::expected<std::uint32_t, DropReason> Nat::State::admit(Time now, const Packet& packet, Key at, Key remote) {
  std::uint32_t session = table.find_inbound(at, remote);
  if (!make_way(packet, Direction::inbound, session)) return std::unexpected(DropReason::filtered);
  if (session != kNone) return session;
  const std::uint32_t held = statics.empty() ? kNone : statics.binding_at(at);
  const bool open = held != kNone;
  const std::uint32_t binding = open ? held : table.binding_at(at, remote);
  if (binding == kNone) return std::unexpected(DropReason::no_mapping);
  if (!opens_flow(packet) || (!open && !table.permitted(binding, remote))) return std::unexpected(DropReason::filtered);
  if (dies_here(packet)) return std::unexpected(DropReason::ttl_expired);
  if (!make_room()) return std::unexpected(DropReason::table_full);
  if (!open && table.binding_at(at, remote) != binding)
    return std::unexpected(DropReason::no_mapping);  // it made the room
  return table.add_session(now, binding, remote, Direction::inbound, open);
}

/// Sends a packet on between other endpoints, in the other IP version if they are of it.
Outcome Nat::State::emit(Packet& packet, Action action, const Endpoint& source, const Endpoint& destination) {
  pass(packet);
  last_route = {action, source.address, destination.address, {}};
  if (source.address.family() == packet.source.address.family()) {
    const bool moved = source.address != packet.source.address || destination.address != packet.destination.address;
    packet.set_source(source);
    packet.set_destination(destination);
    if (moved) identify(packet);
    return forwarded(action);
  }
  auto translated = translate_header(packet, source, destination, ++identification);
  if (!translated) return dropped(DropReason::untranslatable);
  Outcome outcome = forwarded(action);
  outcome.packets.push_back(std::move(*translated));
  return outcome;
}

/// After a packet's addresses have been replaced. Later fragments follow their first one: emit_later().
void Nat::State::identify(Packet& packet) {
  if (behavior.ip_id == IpId::preserve || !packet.is_v4() || packet.later_fragment || packet.is_atomic()) return;
  last_route.identification =
      identifications.next(packet.source.address, packet.destination.address, packet.ip_protocol);
  packet.set_identification(*last_route.identification);
}

Outcome Nat::State::emit_later(Packet& packet, const FragmentRoute& route) {
  Outcome outcome = emit(packet, route.action, {route.source, 0}, {route.destination, 0});
  if (outcome.forwarded() && route.identification && packet.is_v4()) packet.set_identification(*route.identification);
  return outcome;
}

Outcome Nat::State::outbound(Time now, Packet& packet) {
  if (packet.icmp == IcmpKind::error) return error_outbound(packet);
  if (dies_here(packet)) return expired_in_transit(packet, Side::inside);
  const Endpoint target = to_outside(packet.destination);
  const Key near = table.key(packet.protocol, packet.source);
  const Key remote = table.key(packet.protocol, target);
  if (table.translated(remote) && ours(target.address)) return hairpin(now, packet, near, target);
  const auto session = open_outbound(now, packet, near, remote);
  if (!session) return refuse_outbound(packet, session.error());
  const Key mapped = table.binding(table.session(*session).binding).external;
  if (!late.empty()) late.forget(mapped, remote);
  return emit(packet, Action::forward_out, table.endpoint(mapped), target);
}

Outcome Nat::State::inbound(Time now, Packet& packet) {
  const Key remote = table.key(packet.protocol, packet.source);
  if (table.translated(remote) && !ours(packet.destination.address)) return dropped(DropReason::not_ours);
  if (packet.icmp == IcmpKind::error) return error_inbound(packet, Action::forward_in);
  const auto session = admit(now, packet, table.key(packet.protocol, packet.destination), remote);
  if (!session && session.error() != DropReason::ttl_expired) return refuse_inbound(now, packet, session.error());
  if (!session || dies_here(packet)) return expired_in_transit(packet, Side::outside);
  table.note_packet(now, *session, Direction::inbound, packet.tcp_flags);
  const Endpoint internal = table.endpoint(table.binding(table.session(*session).binding).internal);
  return emit(packet, Action::forward_in, to_inside(packet.source, internal), internal);
}

/// RFC 4787 §6: from inside to an external endpoint of this box. The receiver's filter sees the sender's external
/// endpoint.
Outcome Nat::State::hairpin(Time now, Packet& packet, Key near, const Endpoint& target) {
  if (behavior.hairpinning == Hairpinning::none || packet.protocol == Protocol::icmp) {
    return refuse_inbound(now, packet, DropReason::hairpin_refused);
  }
  const Key at = table.key(packet.protocol, target);
  const auto sender = open_outbound(now, packet, near, at);
  if (!sender) return refuse_outbound(packet, sender.error());
  const Key seen_as = table.binding(table.session(*sender).binding).external;
  const auto receiver = admit(now, packet, at, seen_as);
  if (!receiver) return refuse_inbound(now, packet, receiver.error());
  table.note_packet(now, *receiver, Direction::inbound, packet.tcp_flags);
  const Endpoint internal = table.endpoint(table.binding(table.session(*receiver).binding).internal);
  const bool external_source = behavior.hairpinning == Hairpinning::external_source;
  const Endpoint source = external_source ? to_inside(table.endpoint(seen_as), internal) : packet.source;
  return emit(packet, Action::hairpin, source, internal);
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

/// RFC 6296: the prefix of one address is replaced, and as checksums stay right nothing else is looked at.
Outcome Nat::State::replace_prefix(Side from, Packet& packet) {
  if (packet.is_v4()) return route(from, packet);
  if (dies_here(packet)) return expired_in_transit(packet, from);
  const Prefix& inner = behavior.internal_prefix;
  const Prefix& outer = behavior.external_prefix;
  const bool hairpinned = from == Side::inside && outer.contains(packet.destination.address);
  if (hairpinned && behavior.hairpinning == Hairpinning::none) return dropped(DropReason::hairpin_refused);
  auto quoted = packet.icmp == IcmpKind::error ? parse_quoted(packet) : std::unexpected(DropReason::malformed);
  const auto replace = [&](bool inwards) {
    Packet& changed = packet;
    const auto address = inwards ? translate_prefix(changed.destination.address, outer, inner)
                                 : translate_prefix(changed.source.address, inner, outer);
    if (!address) return false;
    changed.later_fragment = true;  // addresses only
    inwards ? changed.set_destination({*address, 0}) : changed.set_source({*address, 0});
    if (!quoted) return true;
    const auto inside = inwards ? translate_prefix(quoted->source.address, outer, inner)
                                : translate_prefix(quoted->destination.address, inner, outer);
    if (!inside) return true;
    quoted->later_fragment = true;
    inwards ? quoted->set_source({*inside, 0}) : quoted->set_destination({*inside, 0});
    return true;
  };
  pass(packet);
  if (from == Side::inside && !replace(false)) return dropped(DropReason::untranslatable);
  if ((from == Side::outside || hairpinned) && !replace(true)) return dropped(DropReason::untranslatable);
  if (hairpinned) return forwarded(Action::hairpin);
  return forwarded(from == Side::inside ? Action::forward_out : Action::forward_in);
}

/// Follows the first fragment of its packet, or waits for it (RFC 4787 REQ-14).
Outcome Nat::State::later_fragment(Time now, Side from, MutableByteView bytes) {
  auto packet = parse_network_header(bytes);
  if (!packet || behavior.fragments == Fragments::refused) return dropped(DropReason::fragment);
  const FragmentKey key = fragment_key(from, *packet);
  const FragmentRoute* route = fragments.find(now, key);
  if (route == nullptr) {
    const bool held = behavior.fragments == Fragments::any_order && fragments.hold(now, key, bytes);
    return held ? forwarded(Action::held) : dropped(DropReason::fragment);
  }
  if (dies_here(*packet)) return dropped(DropReason::ttl_expired);
  return emit_later(*packet, FragmentRoute(*route));
}

/// Remembers where a first fragment went, and lets those follow that came before it.
void Nat::State::bring_along(Time now, Outcome& outcome, const FragmentKey& key, MutableByteView first) {
  const FragmentRoute route = last_route;
  fragments.remember(now, key, route);
  std::vector<Bytes> waiting = fragments.release(now, key);
  if (waiting.empty()) return;
  if (outcome.packets.empty()) outcome.packets.push_back(to_bytes(first));
  for (Bytes& bytes : waiting) {
    auto packet = parse_network_header(bytes);
    if (!packet || dies_here(*packet)) continue;
    Outcome further = emit_later(*packet, route);
    if (!further.forwarded()) continue;
    outcome.packets.push_back(further.packets.empty() ? std::move(bytes) : std::move(further.packets[0]));
  }
}

/// Behavior::untranslated.
bool Nat::State::exempt(Side from, const Packet& packet) const {
  const IpAddress& remote = from == Side::inside ? packet.destination.address : packet.source.address;
  if (from == Side::outside && ours(packet.destination.address)) return false;
  return std::ranges::any_of(behavior.untranslated, [&](const Prefix& prefix) { return prefix.contains(remote); });
}

Outcome Nat::State::translate(Time now, Side from, MutableByteView bytes) {
  table.expire(now);
  if (!statics.empty()) statics.expire(now);
  if (!behavior.untranslated.empty()) {
    auto packet = parse_network_header(bytes);
    if (packet && exempt(from, *packet)) return route(from, *packet);
  }
  if (const auto action = known_flow(now, from, bytes)) return forwarded(*action);
  const bool prefix = behavior.translation == Translation::nptv6;
  if (behavior.translation != Translation::none && !prefix) return translate_flow(now, from, bytes);
  auto packet = parse_network_header(bytes);
  if (!packet) return dropped(packet.error());
  return prefix ? replace_prefix(from, *packet) : route(from, *packet);
}

Outcome Nat::State::translate_flow(Time now, Side from, MutableByteView bytes) {
  auto packet = parse_packet(bytes);
  if (!packet && packet.error() == DropReason::fragment) return later_fragment(now, from, bytes);
  if (!packet) return dropped(packet.error());
  if (packet->protocol == Protocol::udp && behavior.udp == UdpPolicy::blocked) return dropped(DropReason::udp_blocked);
  if (!packet->fragment) return from == Side::inside ? outbound(now, *packet) : inbound(now, *packet);
  if (behavior.fragments == Fragments::refused) return dropped(DropReason::fragment);
  const FragmentKey key = fragment_key(from, *packet);
  Outcome outcome = from == Side::inside ? outbound(now, *packet) : inbound(now, *packet);
  if (outcome.forwarded()) bring_along(now, outcome, key, packet->bytes);
  return outcome;
}

Nat::Nat(Behavior behavior, std::vector<IpAddress> external, Random& random) {
  WEFT_ASSERT(behavior.translation != Translation::nat || !external.empty());
  WEFT_ASSERT(behavior.translation != Translation::nat64 || std::ranges::any_of(external, &IpAddress::is_v4));
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

std::optional<Bytes> Nat::poll_transmit(Time now) { return state_->late.poll(now); }

std::optional<Time> Nat::next_deadline() const { return state_->late.next_deadline(); }

void Nat::set_inside_address(const IpAddress& address) { state_->inside_address = address; }

void Nat::set_proxy_address(const IpAddress& address) { state_->proxy_address = address; }

void Nat::restart(std::optional<std::vector<IpAddress>> external) {
  auto fresh =
      std::make_unique<State>(state_->behavior, external ? *std::move(external) : state_->external, state_->random);
  fresh->counters = counters();
  fresh->expired_before = fresh->counters.mappings_expired + state_->table.binding_count();
  fresh->inside_address = state_->inside_address;
  fresh->proxy_address = state_->proxy_address;
  state_ = std::move(fresh);
}

std::optional<StaticMapping> Nat::add_static_mapping(Time now, const StaticRequest& request) {
  State& s = *state_;
  if (s.behavior.translation == Translation::none || s.behavior.translation == Translation::nptv6) return std::nullopt;
  s.table.expire(now);
  s.statics.expire(now);
  bool created = false;
  auto mapping = s.statics.add(now, request, created);
  if (created) ++s.counters.mappings_created;
  return mapping;
}

bool Nat::remove_static_mapping(Time now, Protocol protocol, const Endpoint& internal) {
  state_->table.expire(now);
  state_->statics.expire(now);
  return state_->statics.remove(protocol, internal);
}

std::vector<StaticMapping> Nat::static_mappings(Time now) {
  state_->table.expire(now);
  state_->statics.expire(now);
  return state_->statics.list();
}

const Behavior& Nat::behavior() const { return state_->behavior; }
const std::vector<IpAddress>& Nat::external() const { return state_->external; }

const NatCounters& Nat::counters() const {
  state_->counters.mappings_expired = state_->expired_before + state_->table.bindings_expired();
  return state_->counters;
}

std::vector<FlowView> Nat::flows(Time now) {
  Table& table = state_->table;
  table.expire(now);
  std::vector<FlowView> flows;
  for (std::uint32_t number = 0; number < table.session_records(); ++number) {
    const Session& session = table.session(number);
    if (session.remote.empty()) continue;
    const Binding& binding = table.binding(session.binding);
    flows.push_back({.protocol = binding.internal.protocol(),
                     .internal = table.endpoint(binding.internal),
                     .external = table.endpoint(binding.external),
                     .remote = table.endpoint(session.remote),
                     .age = now - session.created,
                     .left = session.expires - now,
                     .answered = session.outbound_seen && session.inbound_seen});
  }
  std::ranges::sort(flows, {},
                    [](const FlowView& flow) { return std::tuple(flow.protocol, flow.internal, flow.remote); });
  return flows;
}

std::size_t Nat::mapping_count(Time now) {
  state_->table.expire(now);
  state_->statics.expire(now);
  return state_->table.binding_count();
}

}  // namespace weft::nat
