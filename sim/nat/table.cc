// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/table.h"

#include <algorithm>

#include "mesh/base/assert.h"

namespace weft::nat {
namespace {

/// What a rule of RFC 4787 sees of a remote endpoint: its family, its address, or all of it.
template <typename Rule>
Key seen_by(Rule rule, Key remote) {
  switch (rule) {
    case Rule::endpoint_independent:
      return remote.family_only();
    case Rule::address_dependent:
      return remote.without_port();
    case Rule::address_and_port_dependent:
      break;
  }
  return remote;
}

std::uint32_t hash_of(Key near, Key remote) { return HashState().add(near.bits()).add(remote.bits()).value(); }

/// Records that evict_unreplied() looks at; netfilter looks at eight buckets of its hash.
constexpr std::uint32_t kEvictionRange = 64;

}  // namespace

Table::Table(const Behavior& behavior, std::array<bool, 2> translated)
    : behavior_(behavior),
      translated_(translated),
      keeps_permissions_(behavior.filtering == Filtering::address_dependent ||
                         (behavior.filtering == Filtering::address_and_port_dependent &&
                          behavior.filter_scope == FilterScope::internal_endpoint)),
      keeps_sources_(behavior.ports.overload || behavior.filter_scope == FilterScope::internal_endpoint) {}

Key Table::seen_by_mapping(Key remote) const {
  return seen_by(translated(remote) ? behavior_.mapping : Mapping::endpoint_independent, remote);
}

Key Table::sharing(Key external, Key remote) const {
  return behavior_.ports.overload && translated(external) ? remote : Key{};
}

std::uint32_t Table::find_outbound(Key internal, Key remote) const {
  return outbound_.find(hash_of(internal, remote), [&](std::uint32_t number) {
    const Session& session = sessions_[number];
    return session.remote == remote && bindings_[session.binding].internal == internal;
  });
}

std::uint32_t Table::find_inbound(Key external, Key remote) const {
  return inbound_.find(hash_of(external, remote), [&](std::uint32_t number) {
    const Session& session = sessions_[number];
    return session.remote == remote && bindings_[session.binding].external == external;
  });
}

std::uint32_t Table::find_binding(Key internal, Key remote) const {
  const Key seen = seen_by_mapping(remote);
  return by_rule_.find(hash_of(internal, seen), [&](std::uint32_t number) {
    return bindings_[number].internal == internal && bindings_[number].remote == seen;
  });
}

std::uint32_t Table::binding_at(Key external, Key remote) const {
  const Key shared = sharing(external, remote);
  return by_external_.find(hash_of(external, shared), [&](std::uint32_t number) {
    const Binding& binding = bindings_[number];
    return binding.external == external && sharing(external, binding.remote) == shared;
  });
}

std::uint32_t Table::find_source(Key internal) const {
  return source_index_.find(hash_of(internal, {}),
                            [&](std::uint32_t number) { return sources_[number].internal == internal; });
}

std::uint32_t Table::latest_binding(Key internal) const {
  const std::uint32_t source = find_source(internal);
  return source == kNone ? kNone : sources_[source].first_binding;
}

std::uint32_t Table::scope_of(std::uint32_t binding) const {
  return behavior_.filter_scope == FilterScope::mapping ? binding : bindings_[binding].source;
}

bool Table::permitted(std::uint32_t binding, Key remote) const {
  if (behavior_.filtering == Filtering::endpoint_independent) return true;
  return keeps_permissions_ && permissions_.contains(scope_of(binding), seen_by(behavior_.filtering, remote));
}

bool Table::is_free(Key external, Key remote) const {
  return binding_at(external, remote) == kNone && !occupied_.occupied(external, remote) &&
         (behavior_.ports.reuse_after == Duration{0} || !occupied_.occupied(external, {}));
}

std::uint32_t Table::source_of(Key internal) {
  std::uint32_t number = find_source(internal);
  if (number != kNone) return number;
  number = sources_.take();
  sources_[number] = {internal, kNone};
  source_index_.insert(hash_of(internal, {}), number);
  return number;
}

void Table::join_source(std::uint32_t number) {
  Binding& binding = bindings_[number];
  binding.source = source_of(binding.internal);
  Source& source = sources_[binding.source];
  if (siblings_.size() < bindings_.size()) siblings_.resize(bindings_.size());
  siblings_[number] = {source.first_binding, kNone};
  if (source.first_binding != kNone) siblings_[source.first_binding].previous = number;
  source.first_binding = number;
}

void Table::leave_source(std::uint32_t number) {
  const Binding& binding = bindings_[number];
  const Siblings own = siblings_[number];
  Source& source = sources_[binding.source];
  (own.previous == kNone ? source.first_binding : siblings_[own.previous].next) = own.next;
  if (own.next != kNone) siblings_[own.next].previous = own.previous;
  if (source.first_binding != kNone) return;
  source_index_.erase(hash_of(binding.internal, {}), binding.source);
  source.internal = {};
  sources_.give_back(binding.source);
}

std::uint32_t Table::subscriber_of(Key internal) {
  const Key address(internal.address(), 0, Protocol::udp, internal.is_v6());
  const std::uint32_t hash = hash_of(address, {});
  const std::uint32_t found =
      subscriber_index_.find(hash, [&](std::uint32_t number) { return subscribers_[number].address == address; });
  if (found != kNone) return found;
  const std::uint32_t number = subscribers_.take();
  subscribers_[number] = {address, 0};
  subscriber_index_.insert(hash, number);
  return number;
}

std::uint32_t Table::add_binding(Key internal, Key external, Key remote) {
  const std::uint32_t number = bindings_.take();
  Binding& binding = bindings_[number];
  binding = {.internal = internal,
             .external = external,
             .remote = seen_by_mapping(remote),
             .subscriber = subscriber_of(internal)};
  by_rule_.insert(hash_of(internal, binding.remote), number);
  by_external_.insert(hash_of(external, sharing(external, binding.remote)), number);
  if (keeps_sources_) join_source(number);
  ++subscribers_[binding.subscriber].bindings;
  return number;
}

std::uint32_t Table::outbound_hash(const Session& session) const {
  return hash_of(bindings_[session.binding].internal, session.remote);
}

std::uint32_t Table::inbound_hash(const Session& session) const {
  return hash_of(bindings_[session.binding].external, session.remote);
}

std::uint32_t Table::add_session(Time now, std::uint32_t binding, Key remote, Direction direction, bool answers_here) {
  Binding& owner = bindings_[binding];
  // An answer leaves through this binding if the session says so or the mapping rule comes to the same.
  const bool leaves =
      direction == Direction::outbound ||
      (find_outbound(owner.internal, remote) == kNone &&
       (answers_here || behavior_.reply == ReplyRule::session || find_binding(owner.internal, remote) == binding));
  const std::uint32_t number = sessions_.take();
  Session& session = sessions_[number];
  const auto generation = static_cast<std::uint16_t>(session.generation + 1);
  session = {};
  session.remote = remote;
  session.binding = binding;
  session.generation = generation;
  session.created = session.expires = now;
  session.leaves_by_binding = leaves;
  session.begun_inside = direction == Direction::outbound;
  session.next_in_binding = owner.first_session;
  if (owner.first_session != kNone) sessions_[owner.first_session].previous_in_binding = number;
  owner.first_session = number;
  inbound_.insert(inbound_hash(session), number);
  if (leaves) outbound_.insert(outbound_hash(session), number);
  return number;
}

void Table::set_keeper(Session& session) {
  if (session.keeps_binding) return;
  session.keeps_binding = true;
  ++bindings_[session.binding].keepers;
}

void Table::note_packet(Time now, std::uint32_t number, Direction direction, std::uint8_t tcp_flags) {
  Session& session = sessions_[number];
  const Protocol protocol = session.remote.protocol();
  const bool first = !session.outbound_seen && !session.inbound_seen;
  const bool outbound = direction == Direction::outbound;
  if (outbound && !session.outbound_seen) {
    if (keeps_permissions_) permissions_.add(scope_of(session.binding), seen_by(behavior_.filtering, session.remote));
    set_keeper(session);
  }
  if (outbound) {
    session.outbound_seen = true;
  } else {
    session.inbound_seen = true;
  }
  const bool refreshes = protocol != Protocol::udp || behavior_.refresh == Refresh::both ||
                         (behavior_.refresh == Refresh::outbound) == outbound;
  if (refreshes) set_keeper(session);

  const bool was_closed = session.tcp.closed();
  const bool was_half_closed = session.tcp.half_closed();
  if (protocol == Protocol::tcp) session.tcp.note(direction, tcp_flags, behavior_.tcp_reopening);
  const Time until = now + lifetime(session, behavior_.lifetimes, now);
  if (session.tcp.closed() || (session.tcp.half_closed() && !was_half_closed)) {
    if (was_closed) return;
    session.expires = until;  // possibly sooner than before, so it is reminded of anew
    reminders_.add({until, number, session.generation});
  } else if (refreshes || first) {
    session.expires = std::max(session.expires, until);
    if (first) reminders_.add({session.expires, number, session.generation});
  }
}

bool Table::note_known(Time now, std::uint32_t number, Direction direction) {
  Session& session = sessions_[number];
  const bool outbound = direction == Direction::outbound;
  if (!(outbound ? session.outbound_seen : session.inbound_seen) || !session.keeps_binding) return false;
  const bool udp = session.remote.protocol() == Protocol::udp;
  if (!udp && !session.tcp.open()) return false;
  const bool refreshes =
      !udp || behavior_.refresh == Refresh::both || (behavior_.refresh == Refresh::outbound) == outbound;
  if (refreshes) session.expires = std::max(session.expires, now + lifetime(session, behavior_.lifetimes, now));
  return true;
}

void Table::occupy(Time now, Key external, Key remote) {
  const Lifetimes& lifetimes = behavior_.lifetimes;
  const Protocol protocol = external.protocol();
  const Duration held = protocol == Protocol::udp   ? lifetimes.udp_unreplied
                        : protocol == Protocol::tcp ? lifetimes.tcp_transitory
                                                    : lifetimes.icmp_query;
  occupied_.occupy(external, remote, now + held);
}

void Table::drop_due(Time now) {
  while (reminders_.due(now)) {
    const auto reminder = reminders_.take();
    const Session& session = sessions_[reminder.record];
    if (session.remote.empty() || session.generation != reminder.generation) continue;
    if (session.expires > now) {
      reminders_.add({session.expires, reminder.record, reminder.generation});
    } else {
      drop_session(reminder.record);
    }
  }
}

/// Forgets the IPv6 addresses that no record names any more.
void Table::forget_addresses() {
  std::vector<bool> marked(book_.numbers());
  const auto mark = [&](Key key) {
    if (key.is_v6() && key.address() < marked.size()) marked[key.address()] = true;
  };
  for (std::uint32_t at = 0; at < bindings_.size(); ++at) {
    if (bindings_[at].internal.empty()) continue;
    mark(bindings_[at].internal);
    mark(bindings_[at].external);
    mark(bindings_[at].remote);
  }
  for (std::uint32_t at = 0; at < sessions_.size(); ++at) mark(sessions_[at].remote);
  for (std::uint32_t at = 0; at < subscribers_.size(); ++at) mark(subscribers_[at].address);
  permissions_.for_each_key(mark);
  occupied_.for_each_key(mark);
  book_.keep(marked);
  addresses_after_sweep_ = book_.size();
}

bool Table::evict_oldest() {
  while (!reminders_.empty()) {
    const auto reminder = reminders_.take();
    const Session& session = sessions_[reminder.record];
    if (session.remote.empty() || session.generation != reminder.generation) continue;
    if (session.expires > reminder.at) {
      reminders_.add({session.expires, reminder.record, reminder.generation});
      continue;
    }
    drop_session(reminder.record);
    return true;
  }
  return false;
}

bool Table::evict_unreplied(std::uint32_t start) {
  const std::uint32_t records = sessions_.size();
  for (std::uint32_t step = 0; step < std::min(records, kEvictionRange); ++step) {
    const std::uint32_t number = (start + step) % records;
    const Session& session = sessions_[number];
    if (session.remote.empty() || (session.outbound_seen && session.inbound_seen)) continue;
    drop_session(number);
    return true;
  }
  return false;
}

/// Takes a session out of all but its binding's count of keepers.
void Table::forget_session(std::uint32_t number) {
  Session& session = sessions_[number];
  inbound_.erase(inbound_hash(session), number);
  if (session.leaves_by_binding) outbound_.erase(outbound_hash(session), number);
  if (session.outbound_seen && keeps_permissions_) {
    permissions_.remove(scope_of(session.binding), seen_by(behavior_.filtering, session.remote));
  }
  if (session.previous_in_binding == kNone) {
    bindings_[session.binding].first_session = session.next_in_binding;
  } else {
    sessions_[session.previous_in_binding].next_in_binding = session.next_in_binding;
  }
  if (session.next_in_binding != kNone)
    sessions_[session.next_in_binding].previous_in_binding = session.previous_in_binding;
  session.remote = {};
  sessions_.give_back(number);
}

void Table::drop_session(std::uint32_t number) {
  const std::uint32_t binding = sessions_[number].binding;
  const bool kept = sessions_[number].keeps_binding;
  forget_session(number);
  if (kept && --bindings_[binding].keepers == 0) drop_binding(binding);
}

void Table::drop_binding(std::uint32_t number) {
  Binding& binding = bindings_[number];
  while (binding.first_session != kNone) forget_session(binding.first_session);
  if (on_binding_end) on_binding_end(binding);
  if (behavior_.ports.reuse_after > Duration{0}) {
    occupied_.occupy(binding.external, {}, now_ + behavior_.ports.reuse_after);
  }
  by_rule_.erase(hash_of(binding.internal, binding.remote), number);
  by_external_.erase(hash_of(binding.external, sharing(binding.external, binding.remote)), number);
  if (keeps_sources_) leave_source(number);
  --subscribers_[binding.subscriber].bindings;
  binding.internal = {};
  bindings_.give_back(number);
  ++bindings_expired_;
}

}  // namespace weft::nat
