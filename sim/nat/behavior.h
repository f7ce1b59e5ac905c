// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>

#include "mesh/base/time.h"

namespace weft::nat {

/// What a middlebox does with addresses at all.
enum class Translation : std::uint8_t {
  nat,       // source address and port are replaced (a family without an external address is handled as `firewall`)
  firewall,  // addresses stay; inbound packets need filter state (RFC 6092)
  none,      // a router: everything passes, no state is kept
};

/// RFC 4787 §4.1: when an internal endpoint keeps its external endpoint.
enum class Mapping : std::uint8_t { endpoint_independent, address_dependent, address_and_port_dependent };
/// RFC 4787 §5: from whom an external endpoint accepts packets, seen from what the inside has sent to before.
enum class Filtering : std::uint8_t { endpoint_independent, address_dependent, address_and_port_dependent };
/// Whether a permission belongs to one mapping, or to all mappings of the internal endpoint that opened it.
enum class FilterScope : std::uint8_t { mapping, internal_endpoint };
/// Where the answer to an admitted inbound session leaves: by the mapping rule (possibly a fresh mapping), or from the
/// external port the session came in by (netfilter).
enum class ReplyRule : std::uint8_t { mapping, session };
/// RFC 4787 §6: what becomes of a packet from inside to an external endpoint of the same NAT.
enum class Hairpinning : std::uint8_t { none, internal_source, external_source };
/// RFC 4787 §4.2.1: how an external port is chosen.
enum class Allocation : std::uint8_t { preserve, sequential, random };
/// What `preserve` does when the internal host's port is taken.
enum class Collision : std::uint8_t { random, sequential, refuse };
/// RFC 4787 §4.1: whether all mappings of an internal address share one external address.
enum class Pooling : std::uint8_t { paired, arbitrary };
/// RFC 4787 §4.3: packets of which direction keep a mapping alive.
enum class Refresh : std::uint8_t { outbound, inbound, both };
/// How an inbound packet that is not admitted is refused. `reset`: TCP by RST, the rest by ICMP.
enum class Refusal : std::uint8_t { silent, icmp, reset };
/// Whether an unsolicited inbound packet is remembered and takes its tuple, so that a later outbound flow that wants
/// the same one gets another port (netfilter with an INPUT chain that accepts).
enum class PrematureInbound : std::uint8_t { ignored, occupies };
enum class UdpPolicy : std::uint8_t { allowed, blocked };
enum class IcmpErrors : std::uint8_t { translated, dropped };

struct PortRule {
  Allocation allocation = Allocation::preserve;
  Collision collision = Collision::random;
  std::uint16_t low = 1024;  // ports given out by sequential and random allocation, both ends included
  std::uint16_t high = 65535;
  std::int32_t delta = 1;  // of sequential allocation; may be negative, never 0
  /// One external port may serve several mappings as long as their remote endpoints differ (RFC 4787 §4.2.1 "port
  /// overloading", netfilter). Only with address-and-port-dependent mapping and filtering.
  bool overload = false;
  bool keep_parity = false;  // RFC 4787 §4.2.2: an even internal port gets an even external one
};

/// All greater than zero, except udp_replied_after.
struct Lifetimes {
  Duration udp_unreplied = 120s;  // only one direction has been seen
  Duration udp_replied = 120s;    // both have, and the session is older than udp_replied_after
  Duration udp_replied_after = 0s;
  Duration tcp_transitory = 240s;  // RFC 5382 REQ-5: until both SYNs have been seen
  Duration tcp_established = 7440s;
  Duration tcp_closed = 240s;  // after a FIN of both sides or a RST of one
  Duration icmp_query = 60s;   // RFC 5508 REQ-1
};

/// One middlebox by the axes of RFC 4787, 5382 and 5508, and the details beside them that decide whether two agents
/// meet. The default is the NAT that RFC 4787 asks for.
struct Behavior {
  std::string name = "rfc4787";
  Translation translation = Translation::nat;
  Mapping mapping = Mapping::endpoint_independent;
  Filtering filtering = Filtering::endpoint_independent;
  FilterScope filter_scope = FilterScope::mapping;
  ReplyRule reply = ReplyRule::mapping;
  Hairpinning hairpinning = Hairpinning::external_source;
  PortRule ports;
  Pooling pooling = Pooling::paired;
  Lifetimes lifetimes;
  Refresh refresh = Refresh::both;
  Refusal refusal = Refusal::silent;
  PrematureInbound premature_inbound = PrematureInbound::ignored;
  UdpPolicy udp = UdpPolicy::allowed;
  IcmpErrors icmp_errors = IcmpErrors::translated;
  bool decrement_ttl = true;
  /// Most mappings one internal address may hold; 0: no limit.
  std::uint32_t mappings_per_subscriber = 0;
};

}  // namespace weft::nat
