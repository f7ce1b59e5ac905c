// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "sim/nat/behavior.h"

namespace weft {
class Random;
}

namespace weft::nat {

enum class Side : std::uint8_t { inside, outside };
enum class Protocol : std::uint8_t;  // sim/nat/packet.h

/// Why a packet was not forwarded. Counted per value.
enum class DropReason : std::uint8_t {
  none,
  malformed,             // not an IPv4 or IPv6 packet whose lengths agree
  unsupported_protocol,  // not UDP, TCP, ICMP or ICMPv6, or an ICMP type that is neither echo nor error
  fragment,              // no ports to look at, and the first fragment of its packet has not passed
  ttl_expired,           // answered by ICMP time exceeded
  udp_blocked,
  not_ours,    // inbound, and the destination is none of the external addresses
  no_mapping,  // inbound, and nobody inside holds the external endpoint
  filtered,    // there is a mapping, but no permission for this source
  hairpin_refused,
  no_port,  // outbound, and the allocator is exhausted
  subscriber_limit,
  icmp_unmatched,  // an ICMP error about no flow of ours, or errors are not translated
  policy,          // outbound, and the destination port is not among the allowed ones
  table_full,
  no_block,        // outbound, and no block of ports is left for the subscriber
  untranslatable,  // what has no counterpart in the other IP version (RFC 7915), or an address outside the prefix
  count_,
};
std::string_view to_string(DropReason reason);

struct Outcome {
  /// hairpin: the (rewritten) packet goes back to the inside. held: a fragment that waits here for its first one; it
  /// comes out later, in `packets` of that one's outcome.
  enum class Action : std::uint8_t { forward_out, forward_in, hairpin, held, drop } action = Action::drop;
  DropReason reason = DropReason::none;
  /// What to forward in place of the given bytes, in order; empty (nearly always): the given bytes, rewritten in place.
  /// A translator between IPv4 and IPv6 changes the size, and a first fragment brings along those that were held.
  std::vector<Bytes> packets;
  /// To be sent back to the side the packet came from: time exceeded, unreachable or a TCP reset, as a whole IP packet.
  std::optional<Bytes> reply;

  bool forwarded() const { return action < Action::held; }
};

/// What a port-mapping server asks the NAT to open.
struct StaticRequest {
  Protocol protocol;
  Endpoint internal;
  std::uint16_t suggested_port = 0;  // 0: none
  bool exact = false;                // that port or none
  std::optional<Duration> lifetime;  // nullopt: until removed
};

/// A port that is open to everybody outside, whatever the filter.
struct StaticMapping {
  Protocol protocol;
  Endpoint internal;
  Endpoint external;
  std::optional<Time> expires;
  friend bool operator==(const StaticMapping&, const StaticMapping&) = default;
};

/// A flow that the NAT remembers, for people to look at.
struct FlowView {
  Protocol protocol;
  Endpoint internal;  // of ICMP echoes: the identifier in the place of the port
  Endpoint external;
  Endpoint remote;
  Duration age{0};
  Duration left{0};       // until it is forgotten, if no packet comes
  bool answered = false;  // packets have passed both ways
};

struct NatCounters {
  std::uint64_t outbound = 0;
  std::uint64_t inbound = 0;
  std::uint64_t hairpinned = 0;
  std::uint64_t mappings_created = 0;
  std::uint64_t mappings_expired = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(DropReason::count_)> dropped{};

  std::uint64_t drops(DropReason reason) const { return dropped[static_cast<std::size_t>(reason)]; }
};

/// A middlebox between an inside and an outside: rewrites whole IP packets in place, checksums included, by one
/// Behavior. Pure: time is given, ports come from `random`, which outlives it. `now` never goes back. Nothing is
/// allocated per packet of a known flow. The bytes of a dropped packet have no meaning.
class Nat {
 public:
  /// `external`: the addresses it owns outside. IPv4 and IPv6 may be mixed; a family without an address passes
  /// untranslated behind the same filter. Empty only if `behavior.translation` is not `nat`.
  Nat(Behavior behavior, std::vector<IpAddress> external, Random& random);
  ~Nat();
  Nat(const Nat&) = delete;
  Nat& operator=(const Nat&) = delete;

  /// Forwards or drops one packet (RFC 4787, RFC 5382, RFC 5508).
  Outcome translate(Time now, Side from, MutableByteView ip_packet);

  /// What it says to the outside of its own accord, as whole IP packets: late refusals (Behavior::syn_refusal_after).
  /// Call until empty at next_deadline().
  std::optional<Bytes> poll_transmit(Time now);
  /// nullopt: nothing is due unless another packet comes.
  std::optional<Time> next_deadline() const;

  /// The address from which it answers inside hosts (time exceeded); the first external address until set.
  void set_inside_address(const IpAddress& address);
  /// A host inside that tcp_ports and udp_ports do not bind, as they do not bind the box itself: its proxy, where that
  /// has an address of its own.
  void set_proxy_address(const IpAddress& address);
  /// Forgets all state, as a restart does; new external addresses if given.
  void restart(std::optional<std::vector<IpAddress>> external = std::nullopt);

  /// Opens a port towards `request.internal`, or prolongs what is open there; where addresses of that family are not
  /// translated, `request.internal` itself. nullopt: no port is free, or the box keeps no flows; or a certain port is
  /// asked for, and subscribers have blocks or nothing translates it. A restart forgets it.
  std::optional<StaticMapping> add_static_mapping(Time now, const StaticRequest& request);
  /// Whether there was one.
  bool remove_static_mapping(Time now, Protocol protocol, const Endpoint& internal);
  /// Ordered by external endpoint.
  std::vector<StaticMapping> static_mappings(Time now);

  const Behavior& behavior() const;
  const std::vector<IpAddress>& external() const;
  const NatCounters& counters() const;
  /// Ordered by protocol, internal endpoint and remote endpoint.
  std::vector<FlowView> flows(Time now);
  /// Mappings alive at `now`.
  std::size_t mapping_count(Time now);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weft::nat
