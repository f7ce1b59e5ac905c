// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <expected>
#include <optional>

#include "sim/nat/external_pool.h"
#include "sim/nat/fragments.h"
#include "sim/nat/identifications.h"
#include "sim/nat/late_refusals.h"
#include "sim/nat/nat.h"
#include "sim/nat/packet.h"
#include "sim/nat/static_mappings.h"
#include "sim/nat/table.h"

namespace weft::nat {

inline constexpr std::uint32_t kNone = Table::kNone;

inline Outcome dropped(DropReason reason) {
  return {.action = Outcome::Action::drop, .reason = reason, .packets = {}, .reply = {}};
}
inline Outcome forwarded(Outcome::Action action) {
  return {.action = action, .reason = DropReason::none, .packets = {}, .reply = {}};
}

/// All of a Nat. What it does with ICMP errors is in icmp_errors.cc, the rest in nat.cc.
struct Nat::State {
  State(Behavior given, std::vector<IpAddress> addresses, Random& draws);
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Outcome translate(Time now, Side from, MutableByteView bytes);
  Outcome translate_flow(Time now, Side from, MutableByteView bytes);
  /// The short way of a packet with nothing special about it; nullopt, and nothing done, for all others.
  std::optional<Outcome::Action> known_flow(Time now, Side from, MutableByteView bytes);
  Outcome outbound(Time now, Packet& packet);
  Outcome inbound(Time now, Packet& packet);
  Outcome hairpin(Time now, Packet& packet, Key near, const Endpoint& target);
  Outcome error_outbound(Packet& packet);
  Outcome error_inbound(Packet& packet, Outcome::Action action);
  Outcome route(Side from, Packet& packet);
  Outcome replace_prefix(Side from, Packet& packet);
  Outcome later_fragment(Time now, Side from, MutableByteView bytes);
  Outcome emit(Packet& packet, Outcome::Action action, const Endpoint& source, const Endpoint& destination);
  Outcome emit_later(Packet& packet, const FragmentRoute& route);
  void identify(Packet& packet);
  void bring_along(Time now, Outcome& outcome, const FragmentKey& key, MutableByteView first);

  std::expected<std::uint32_t, DropReason> open_outbound(Time now, const Packet& packet, Key near, Key remote);
  std::expected<std::uint32_t, DropReason> open_binding(Key near, Key remote);
  std::expected<std::uint32_t, DropReason> admit(Time now, const Packet& packet, Key at, Key remote);
  bool make_room();
  bool make_way(const Packet& packet, Direction direction, std::uint32_t& session);
  bool allowed(Key remote) const;
  /// Whether it is the box itself that sends, or its proxy.
  bool own(Key near) const {
    const IpAddress sender = table.endpoint(near).address;
    return sender == inside_address || sender == proxy_address;
  }
  Outcome refuse_inbound(Time now, const Packet& packet, DropReason reason);
  Outcome refuse_outbound(const Packet& packet, DropReason reason) const;
  Outcome expired_in_transit(const Packet& packet, Side from) const;
  bool dies_here(const Packet& packet) const { return behavior.decrement_ttl && packet.ttl() <= 1; }
  void pass(Packet& packet) const {
    if (behavior.decrement_ttl) packet.decrement_ttl();
  }
  bool exempt(Side from, const Packet& packet) const;
  bool ours(const IpAddress& address) const { return std::ranges::find(external, address) != external.end(); }
  IpAddress reporter(IpFamily family, Side towards) const;
  Endpoint to_outside(const Endpoint& destination) const;
  Endpoint to_inside(const Endpoint& remote, const Endpoint& internal) const;
  ExternalPool& pool(Key remote) { return remote.is_v6() ? pool_v6 : pool_v4; }

  Behavior behavior;
  std::vector<IpAddress> external;
  bool plain_;  // whether the model leaves packets to known_flow()
  std::vector<std::uint32_t> external_v4_;
  Random& random;
  Table table;
  StaticMappings statics;
  ExternalPool pool_v4, pool_v6;
  FragmentTable fragments;
  LateRefusals late;
  Identifications identifications;
  FragmentRoute last_route;  // of the packet that emit() let through last
  std::uint16_t identification = 0;
  NatCounters counters;
  std::uint64_t expired_before = 0;  // bindings that ended with a restart or before it
  std::optional<IpAddress> inside_address, proxy_address;
};

}  // namespace weft::nat
