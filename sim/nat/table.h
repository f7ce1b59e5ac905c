// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "sim/nat/behavior.h"
#include "sim/nat/expiry_queue.h"
#include "sim/nat/hash_index.h"
#include "sim/nat/key.h"
#include "sim/nat/occupied_tuples.h"
#include "sim/nat/permissions.h"
#include "sim/nat/session.h"
#include "sim/nat/slab.h"

namespace weft::nat {

/// An internal endpoint's external endpoint (RFC 4787's mapping; RFC 6146 §3.1 calls the record a binding). It lives as
/// long as a session keeps it. 40 bytes.
struct Binding {
  Key internal;  // empty: the record is free
  Key external;
  Key remote;                 // as the mapping rule sees it
  std::uint32_t keepers = 0;  // sessions with keeps_binding
  std::uint32_t first_session = HashIndex::kNone;
  std::uint32_t subscriber = HashIndex::kNone;
  std::uint32_t source = HashIndex::kNone;  // only where sources are kept
};
static_assert(sizeof(Binding) == 40);

/// An internal address: RFC 4787's pooling and the limits are per subscriber. Never forgotten; numbered in order of
/// appearance.
struct Subscriber {
  Key address;
  std::uint32_t bindings = 0;
};

/// Mapping and filtering state with timeouts. Numbers name bindings and sessions; kNone means there is none. A
/// mapping of one flow costs 170 to 195 bytes. expire(now) comes before anything else of the same instant; what is due
/// at `now` is gone.
class Table {
 public:
  static constexpr std::uint32_t kNone = HashIndex::kNone;

  /// `translated`: per family of the outside (IPv4, IPv6), whether endpoints change. Where they do not, each internal
  /// endpoint is its own external one and the mapping rule is endpoint independent.
  Table(const Behavior& behavior, std::array<bool, 2> translated);

  void expire(Time now) {
    now_ = now;
    occupied_.expire(now);
    if (reminders_.due(now)) drop_due(now);
    if (book_.size() > 2 * addresses_after_sweep_ + 1024) forget_addresses();
  }

  Key key(Protocol protocol, const Endpoint& endpoint) { return book_.key(protocol, endpoint); }
  Endpoint endpoint(Key key) const { return book_.endpoint(key); }

  /// The session that a packet from `internal` to `remote`, or from `remote` to `external`, belongs to.
  std::uint32_t find_outbound(Key internal, Key remote) const;
  std::uint32_t find_inbound(Key external, Key remote) const;
  /// The binding that the mapping rule gives to a new session from `internal` to `remote`.
  std::uint32_t find_binding(Key internal, Key remote) const;
  /// The binding that holds `external` (towards `remote`, under port overloading).
  std::uint32_t binding_at(Key external, Key remote) const;
  /// The youngest binding of an internal endpoint; kNone unless ports are overloaded or permissions are per endpoint.
  std::uint32_t latest_binding(Key internal) const;
  /// Whether the filter lets `remote`, which has no session there, send to a binding.
  bool permitted(std::uint32_t binding, Key remote) const;
  /// Whether a new binding towards `remote` may have `external`.
  bool is_free(Key external, Key remote) const;

  std::uint32_t add_binding(Key internal, Key external, Key remote);
  /// The first packet of a flow; followed by note_packet of the same packet.
  /// `answers_here`: what the inside sends back leaves by this binding, whatever the mapping rule.
  std::uint32_t add_session(Time now, std::uint32_t binding, Key remote, Direction direction,
                            bool answers_here = false);
  /// Keeps a binding alive without a session, until release().
  void hold(std::uint32_t binding) { ++bindings_[binding].keepers; }
  void release(std::uint32_t binding) {
    if (--bindings_[binding].keepers == 0) drop_binding(binding);
  }
  /// note_packet() of what it would only refresh: a packet of an open flow, without SYN, FIN or RST, in a direction
  /// that has been seen before. False, and nothing done, otherwise.
  bool note_known(Time now, std::uint32_t session, Direction direction);
  void note_packet(Time now, std::uint32_t session, Direction direction, std::uint8_t tcp_flags);
  void occupy(Time now, Key external, Key remote);
  /// Forgets a flow before its time.
  void end(std::uint32_t session) { drop_session(session); }

  /// Ends the flow that would expire first, or one without answer among a few records from `start` on. False: none.
  bool evict_oldest();
  bool evict_unreplied(std::uint32_t start);

  const Binding& binding(std::uint32_t number) const { return bindings_[number]; }
  const Session& session(std::uint32_t number) const { return sessions_[number]; }
  /// The number of an internal address, new or not; `internal` may have any port.
  std::uint32_t subscriber_of(Key internal);
  const Subscriber& subscriber(std::uint32_t number) const { return subscribers_[number]; }
  std::size_t binding_count() const { return bindings_.in_use(); }
  std::size_t session_count() const { return sessions_.in_use(); }
  std::uint32_t session_records() const { return sessions_.size(); }
  std::uint64_t bindings_expired() const { return bindings_expired_; }
  bool translated(Key remote) const { return translated_[remote.is_v6() ? 1 : 0]; }

  /// Told of each binding that ends.
  std::function<void(const Binding&)> on_binding_end;

 private:
  /// An internal endpoint with at least one binding.
  struct Source {
    Key internal;
    std::uint32_t first_binding = HashIndex::kNone;
  };
  /// A binding's neighbours among those of its source.
  struct Siblings {
    std::uint32_t next = HashIndex::kNone;
    std::uint32_t previous = HashIndex::kNone;
  };

  Key seen_by_mapping(Key remote) const;
  /// What of `remote` tells bindings with one external endpoint apart.
  Key sharing(Key external, Key remote) const;
  std::uint32_t find_source(Key internal) const;
  std::uint32_t source_of(Key internal);
  void join_source(std::uint32_t binding);
  void leave_source(std::uint32_t binding);
  std::uint32_t scope_of(std::uint32_t binding) const;
  void set_keeper(Session& session);
  void drop_due(Time now);
  void drop_session(std::uint32_t number);
  void drop_binding(std::uint32_t number);
  void forget_session(std::uint32_t number);
  void forget_addresses();

  std::uint32_t outbound_hash(const Session& session) const;
  std::uint32_t inbound_hash(const Session& session) const;

  const Behavior& behavior_;
  std::array<bool, 2> translated_;
  /// Under the strictest filter a permission is a session, so the multiset is only for the others.
  bool keeps_permissions_;
  bool keeps_sources_;
  AddressBook book_;
  std::size_t addresses_after_sweep_ = 0;
  Slab<Binding> bindings_;
  Slab<Session> sessions_;
  Slab<Source> sources_;
  Slab<Subscriber> subscribers_;
  std::vector<Siblings> siblings_;  // by binding, where sources are kept
  HashIndex by_rule_, by_external_, outbound_, inbound_, source_index_, subscriber_index_;
  Permissions permissions_;
  OccupiedTuples occupied_;
  ExpiryQueue reminders_;
  Time now_{};  // of the last expire()
  std::uint64_t bindings_expired_ = 0;
};

}  // namespace weft::nat
