// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"

namespace weft::portmap {

/// Of NAT-PMP and PCP servers (RFC 6886 §3.1, RFC 6887 §19.1).
inline constexpr std::uint16_t kServerPort = 5351;

/// IANA's protocol number, as PCP carries it.
enum class Protocol : std::uint8_t { tcp = 6, udp = 17 };
/// How a gateway is asked, the one to prefer first.
enum class Method : std::uint8_t { pcp, nat_pmp, upnp_igd };
/// "pcp", "nat-pmp", "upnp-igd"; "udp", "tcp".
std::string_view to_string(Method method);
std::string_view to_string(Protocol protocol);

/// What a gateway is asked to open: a port of ours.
struct Wish {
  Protocol protocol = Protocol::udp;
  std::uint16_t internal_port = 0;  // never 0
  friend auto operator<=>(const Wish&, const Wish&) = default;
};

/// The way out: the router of the default route and our address towards it.
struct Router {
  IpAddress gateway;
  IpAddress local;
  friend auto operator<=>(const Router&, const Router&) = default;
};

/// Why there is no mapping.
enum class PortmapError : std::uint8_t {
  no_answer,         // nothing at the gateway speaks the protocol
  not_authorised,    // it does, and mapping is switched off or denied
  no_resources,      // its table is full or a quota is reached
  network_failure,   // it has no address outside itself
  address_mismatch,  // another NAT is between us and it (RFC 6887 §7.4)
  unsupported,       // version, opcode or protocol
  malformed,         // an answer that cannot be read
  other,             // a code that is none of these
};
/// A sentence for `error`, without a full stop.
std::string_view describe(PortmapError error);

/// A gateway has opened `external` towards `wish`, for `lifetime`.
struct Granted {
  Wish wish;
  Endpoint external;
  Duration lifetime{0};
};
/// A gateway refused to map `wish`; `code` is the protocol's own number.
struct Refused {
  Wish wish;
  PortmapError error = PortmapError::other;
  std::uint32_t code = 0;
};
/// The gateway speaks the protocol. `external`: its address outside, if the protocol tells.
struct Found {
  std::optional<IpAddress> external;
};
/// Nothing at the gateway answers a probe.
struct NotFound {};
/// The gateway has lost its state (its epoch went back): every mapping has to be asked for anew.
struct Restarted {};
/// What the client of each protocol tells.
using ClientEvent = std::variant<Found, NotFound, Granted, Refused, Restarted>;

/// A datagram to send from a UDP socket bound to Router::local.
struct Datagram {
  Endpoint destination;
  Bytes bytes;
};

/// One HTTP exchange that a client needs: connect to `server`, write `bytes`, and feed what comes back.
struct HttpExchange {
  std::uint32_t id = 0;  // never reused by one client
  Endpoint server;
  Bytes bytes;
};

}  // namespace weft::portmap
