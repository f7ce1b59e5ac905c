// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"

namespace weft::nat {

/// What a middlebox does with addresses at all.
enum class Translation : std::uint8_t {
  nat,       // source address and port are replaced (a family without an external address is handled as `firewall`)
  firewall,  // addresses stay; inbound packets need filter state (RFC 6092)
  none,      // a router: everything passes, no state is kept
  nat64,     // IPv6 inside, IPv4 outside (RFC 6146); IPv6 to other destinations is handled as `firewall`
  nptv6,     // the IPv6 prefix is replaced, no state is kept (RFC 6296); IPv4 is routed
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
/// How a packet that is not admitted, or that a policy forbids, is refused. `reset`: TCP by RST, the rest by ICMP.
enum class Refusal : std::uint8_t { silent, icmp, reset };
/// Whether an outbound packet for which there is no port, block or room is answered (RFC 5508 REQ-8).
enum class Exhaustion : std::uint8_t { silent, icmp };
/// Whether an unsolicited inbound packet is remembered and takes its tuple, so that a later outbound flow that wants
/// the same one gets another port (netfilter with an INPUT chain that accepts).
enum class PrematureInbound : std::uint8_t { ignored, occupies };
/// What a SYN is to a TCP flow that FINs or a RST have closed and that is still remembered: the same flow, open again,
/// or the first packet of another one, which gets its mapping anew (netfilter; `syn_after_close` in sim/nat/session.h).
enum class TcpReopening : std::uint8_t { same_flow, new_flow };
enum class UdpPolicy : std::uint8_t { allowed, blocked };
enum class IcmpErrors : std::uint8_t { translated, dropped };
/// RFC 7857 §10, RFC 6864 §5.3.1: whether IPv4 packets that are fragments, or may be made into some, get another
/// identification together with another address. An atomic packet's, which nobody reads, is never touched.
enum class IpId : std::uint8_t { preserve, rewrite };
/// RFC 4787 §11: what becomes of the fragments of a packet.
enum class Fragments : std::uint8_t {
  any_order,  // those that come before their first one wait for it
  in_order,   // those that come before their first one are dropped
  refused,
};
/// How a subscriber comes to a block of ports.
enum class BlockMode : std::uint8_t {
  none,
  deterministic,  // computed from the internal address (RFC 7422)
  dynamic,        // taken with the first mapping and given back with the last (RFC 6888, RFC 7753)
};
/// What a full table does with a new flow.
enum class WhenFull : std::uint8_t {
  refuse,
  evict_oldest,     // the flow that would expire first goes
  evict_unreplied,  // one without answer goes, if a few places of the table have one (netfilter's early_drop)
};

/// Equal slices of the external ports, each for one subscriber.
struct PortBlocks {
  BlockMode mode = BlockMode::none;
  std::uint32_t size = 512;          // 64 to 8,192 ports
  std::uint32_t per_subscriber = 1;  // most blocks of one subscriber; more than one only with `dynamic`
};

struct PortRule {
  Allocation allocation = Allocation::preserve;
  Collision collision = Collision::random;
  std::uint16_t low = 1024;  // ports given out by sequential and random allocation, both ends included
  std::uint16_t high = 65535;
  std::int32_t delta = 1;  // of sequential allocation; may be negative, never 0
  /// One external port may serve several mappings as long as their remote endpoints differ (RFC 4787 §4.2.1 "port
  /// overloading", netfilter). Only with address-and-port-dependent mapping and filtering.
  bool overload = false;
  bool keep_parity = false;      // RFC 4787 §4.2.2: an even internal port gets an even external one
  bool keep_contiguity = false;  // RFC 4787 §4.2.3: neighbouring internal ports get neighbouring external ones
  bool only_in_range = false;    // a port outside low..high is not preserved; always so with blocks
  /// RFC 6888 REQ-8: how long a port that was given back rests before another mapping gets it.
  Duration reuse_after{0};
  PortBlocks blocks;
};

/// All greater than zero, except udp_replied_after.
struct Lifetimes {
  Duration udp_unreplied = 120s;  // only one direction has been seen
  Duration udp_replied = 120s;    // both have, and the session is older than udp_replied_after
  Duration udp_replied_after = 0s;
  Duration tcp_transitory = 240s;  // RFC 5382 REQ-5: until both SYNs have been seen
  Duration tcp_established = 7440s;
  Duration tcp_half_closed = 7440s;  // after one FIN; RFC 5382 §5 counts it as established
  Duration tcp_closed = 240s;        // after both FINs (RFC 7857 §2.1)
  Duration tcp_reset = 240s;         // after a RST (RFC 7857 §2.2)
  Duration icmp_query = 60s;         // RFC 5508 REQ-2
};

/// Room for flows.
struct TableLimits {
  std::uint32_t flows = 0;  // 0: no limit
  WhenFull when_full = WhenFull::refuse;
};

/// A proxy on the gateway for HTTP CONNECT, as in networks that let nothing else out. The engine only knows of it; the
/// world starts it.
struct HttpProxy {
  std::uint16_t port = 3128;                         // on the gateway's inside address
  std::vector<std::uint16_t> connect_ports = {443};  // to which it connects
  std::string user, password;                        // it asks for them by Basic authentication; no user: it does not
};

/// What is wrong with a gateway's port mappings. Another NAT above is no key: nest the models.
enum class MappingFault : std::uint8_t {
  none,
  dead,           // granted and renewed, and nothing comes through
  wrong_address,  // the external address that is told is another one
};

/// Port-mapping servers on the gateway's inside address. The engine only keeps their mappings; the world starts them.
struct PortMapping {
  bool nat_pmp = false;
  bool pcp = false;
  bool upnp_igd = false;
  Duration max_lifetime = 24h;
  MappingFault fault = MappingFault::none;
  bool any() const { return nat_pmp || pcp || upnp_igd; }
};

/// One middlebox by the axes of RFC 4787, 5382 and 5508, and the details beside them that decide whether two agents
/// meet. The default is the NAT that RFC 4787 asks for.
struct Behavior {
  std::string name = "rfc4787";
  std::string file;  // that it was read from; empty if it was not
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
  /// RFC 5382 REQ-4: how long an unsolicited SYN waits for one of the same connection from inside before it is answered
  /// by ICMP; the RFC asks for 6 s at least. Zero: SYNs are refused as `refusal` says, at once.
  Duration syn_refusal_after{0};
  Exhaustion exhaustion = Exhaustion::icmp;
  PrematureInbound premature_inbound = PrematureInbound::ignored;
  TcpReopening tcp_reopening = TcpReopening::same_flow;
  UdpPolicy udp = UdpPolicy::allowed;
  IcmpErrors icmp_errors = IcmpErrors::translated;
  IpId ip_id = IpId::preserve;
  Fragments fragments = Fragments::any_order;
  bool decrement_ttl = true;
  /// Most mappings one internal address may hold; 0: no limit.
  std::uint32_t mappings_per_subscriber = 0;
  TableLimits table;
  /// Destination ports to which the inside may open flows; nullopt: all, empty: none. What the box itself sends, from
  /// its inside address, is free.
  std::optional<std::vector<std::uint16_t>> tcp_ports, udp_ports;
  /// RFC 6888 REQ-6: destinations towards which nothing is translated or filtered, in both directions, and no state is
  /// kept.
  std::vector<Prefix> untranslated;
  std::optional<HttpProxy> http_proxy;
  PortMapping port_mapping;
  Prefix nat64_prefix{*IpAddress::parse("64:ff9b::"), 96};  // of nat64 (RFC 6052 §2.1)
  Prefix internal_prefix, external_prefix;                  // of nptv6
};

}  // namespace weft::nat
