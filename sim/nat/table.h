// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "sim/nat/behavior.h"
#include "sim/nat/expiry_queue.h"
#include "sim/nat/hash_index.h"
#include "sim/nat/occupied_tuples.h"
#include "sim/nat/packet.h"
#include "sim/nat/permissions.h"
#include "sim/nat/session.h"

namespace weft::nat {

/// An internal endpoint's external endpoint (RFC 4787's mapping; RFC 6146 §3.1 calls the record a binding). It lives as
/// long as a session keeps it.
struct Binding {
  Protocol protocol = Protocol::udp;
  bool in_use = false;
  Endpoint internal;
  Endpoint external;
  Endpoint remote;            // as the mapping rule sees it
  std::uint32_t keepers = 0;  // sessions with keeps_binding
  std::uint32_t first_session = HashIndex::kNone;
  std::uint32_t source = HashIndex::kNone;
  std::uint32_t next_of_source = HashIndex::kNone;
  std::uint32_t previous_of_source = HashIndex::kNone;
};

/// An internal address: RFC 4787's pooling and the limit of mappings are per subscriber. Never forgotten.
struct Subscriber {
  IpAddress address;
  std::uint32_t number = 0;  // in order of appearance
  std::uint32_t bindings = 0;
};

/// Mapping and filtering state with timeouts. Numbers name bindings and sessions; kNone means there is none.
/// expire(now) comes before anything else of the same instant; what is due at `now` is gone.
class Table {
 public:
  static constexpr std::uint32_t kNone = HashIndex::kNone;

  /// `translated`: per family (IPv4, IPv6), whether endpoints change. Where they do not, each internal endpoint is its
  /// own external one and the mapping rule is endpoint independent.
  Table(const Behavior& behavior, std::array<bool, 2> translated);

  void expire(Time now);

  /// The session that a packet from `internal` to `remote`, or from `remote` to `external`, belongs to.
  std::uint32_t find_outbound(Protocol protocol, const Endpoint& internal, const Endpoint& remote) const;
  std::uint32_t find_inbound(Protocol protocol, const Endpoint& external, const Endpoint& remote) const;
  /// The binding that the mapping rule gives to a new session from `internal` to `remote`.
  std::uint32_t find_binding(Protocol protocol, const Endpoint& internal, const Endpoint& remote) const;
  /// The binding that holds `external` (towards `remote`, under port overloading).
  std::uint32_t binding_at(Protocol protocol, const Endpoint& external, const Endpoint& remote) const;
  /// The youngest binding of an internal endpoint.
  std::uint32_t latest_binding(Protocol protocol, const Endpoint& internal) const;
  /// Whether the filter lets `remote` send to a binding.
  bool permitted(std::uint32_t binding, const Endpoint& remote) const;
  /// Whether a new binding towards `remote` may have `external`.
  bool is_free(Protocol protocol, const Endpoint& external, const Endpoint& remote) const;

  std::uint32_t add_binding(Protocol protocol, const Endpoint& internal, const Endpoint& external,
                            const Endpoint& remote);
  /// The first packet of a flow; followed by note_packet of the same packet.
  std::uint32_t add_session(Time now, std::uint32_t binding, const Endpoint& remote, Direction direction);
  void note_packet(Time now, std::uint32_t session, Direction direction, std::uint8_t tcp_flags);
  void occupy(Time now, Protocol protocol, const Endpoint& external, const Endpoint& remote);

  const Binding& binding(std::uint32_t number) const { return bindings_[number]; }
  const Session& session(std::uint32_t number) const { return sessions_[number]; }
  Subscriber& subscriber(const IpAddress& address);
  std::size_t binding_count() const { return by_external_.size(); }
  std::uint64_t bindings_expired() const { return bindings_expired_; }
  bool translated(const IpAddress& address) const { return translated_[address.is_v4() ? 0 : 1]; }

 private:
  /// An internal endpoint with at least one binding.
  struct Source {
    Protocol protocol = Protocol::udp;
    Endpoint internal;
    std::uint32_t first_binding = HashIndex::kNone;
  };

  Mapping mapping_rule(const IpAddress& internal) const;
  /// What of `remote` tells bindings with one external endpoint apart.
  Endpoint sharing(const Endpoint& external, const Endpoint& remote) const;
  std::uint32_t find_source(Protocol protocol, const Endpoint& internal) const;
  std::uint32_t source_of(Protocol protocol, const Endpoint& internal);
  std::uint32_t scope_of(std::uint32_t binding) const;
  void set_keeper(Session& session);
  void drop_session(std::uint32_t number);
  void drop_binding(std::uint32_t number);
  void forget_session(std::uint32_t number);

  std::uint32_t outbound_hash(const Session& session) const;
  std::uint32_t inbound_hash(const Session& session) const;

  const Behavior& behavior_;
  std::array<bool, 2> translated_;
  std::vector<Binding> bindings_;
  std::vector<Session> sessions_;
  std::vector<Source> sources_;
  std::vector<Subscriber> subscribers_;
  std::vector<std::uint32_t> free_bindings_, free_sessions_, free_sources_;
  HashIndex by_rule_, by_external_, outbound_, inbound_, source_index_, subscriber_index_;
  Permissions permissions_;
  OccupiedTuples occupied_;
  ExpiryQueue reminders_;
  std::uint64_t bindings_expired_ = 0;
};

}  // namespace weft::nat
