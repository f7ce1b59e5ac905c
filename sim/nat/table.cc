// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/table.h"

#include "mesh/base/assert.h"

namespace weft::nat {
namespace {

/// What a rule of RFC 4787 sees of a remote endpoint: nothing, its address, or all of it.
template <typename Rule>
Endpoint seen_by(Rule rule, const Endpoint& remote) {
  switch (rule) {
    case Rule::endpoint_independent:
      return {};
    case Rule::address_dependent:
      return {remote.address, 0};
    case Rule::address_and_port_dependent:
      break;
  }
  return remote;
}

std::uint32_t hash_of(Protocol protocol, const Endpoint& near, const Endpoint& remote) {
  return HashState().add(static_cast<std::uint64_t>(protocol)).add(near).add(remote).value();
}

template <typename Record>
std::uint32_t take_record(std::vector<Record>& records, std::vector<std::uint32_t>& free) {
  if (free.empty()) {
    records.emplace_back();
    return static_cast<std::uint32_t>(records.size() - 1);
  }
  const std::uint32_t number = free.back();
  free.pop_back();
  return number;
}

}  // namespace

Table::Table(const Behavior& behavior, std::array<bool, 2> translated) : behavior_(behavior), translated_(translated) {}

Mapping Table::mapping_rule(const IpAddress& internal) const {
  return translated(internal) ? behavior_.mapping : Mapping::endpoint_independent;
}

Endpoint Table::sharing(const Endpoint& external, const Endpoint& remote) const {
  return behavior_.ports.overload && translated(external.address) ? remote : Endpoint{};
}

std::uint32_t Table::find_outbound(Protocol protocol, const Endpoint& internal, const Endpoint& remote) const {
  return outbound_.find(hash_of(protocol, internal, remote), [&](std::uint32_t number) {
    const Session& session = sessions_[number];
    const Binding& binding = bindings_[session.binding];
    return session.remote == remote && binding.internal == internal && binding.protocol == protocol;
  });
}

std::uint32_t Table::find_inbound(Protocol protocol, const Endpoint& external, const Endpoint& remote) const {
  return inbound_.find(hash_of(protocol, external, remote), [&](std::uint32_t number) {
    const Session& session = sessions_[number];
    const Binding& binding = bindings_[session.binding];
    return session.remote == remote && binding.external == external && binding.protocol == protocol;
  });
}

std::uint32_t Table::find_binding(Protocol protocol, const Endpoint& internal, const Endpoint& remote) const {
  const Endpoint seen = seen_by(mapping_rule(internal.address), remote);
  return by_rule_.find(hash_of(protocol, internal, seen), [&](std::uint32_t number) {
    const Binding& binding = bindings_[number];
    return binding.internal == internal && binding.remote == seen && binding.protocol == protocol;
  });
}

std::uint32_t Table::binding_at(Protocol protocol, const Endpoint& external, const Endpoint& remote) const {
  const Endpoint shared = sharing(external, remote);
  return by_external_.find(hash_of(protocol, external, shared), [&](std::uint32_t number) {
    const Binding& binding = bindings_[number];
    return binding.external == external && binding.protocol == protocol && sharing(external, binding.remote) == shared;
  });
}

std::uint32_t Table::find_source(Protocol protocol, const Endpoint& internal) const {
  return source_index_.find(hash_of(protocol, internal, {}), [&](std::uint32_t number) {
    return sources_[number].internal == internal && sources_[number].protocol == protocol;
  });
}

std::uint32_t Table::latest_binding(Protocol protocol, const Endpoint& internal) const {
  const std::uint32_t source = find_source(protocol, internal);
  return source == kNone ? kNone : sources_[source].first_binding;
}

std::uint32_t Table::scope_of(std::uint32_t binding) const {
  return behavior_.filter_scope == FilterScope::mapping ? binding : bindings_[binding].source;
}

bool Table::permitted(std::uint32_t binding, const Endpoint& remote) const {
  return behavior_.filtering == Filtering::endpoint_independent ||
         permissions_.contains(scope_of(binding), seen_by(behavior_.filtering, remote));
}

bool Table::is_free(Protocol protocol, const Endpoint& external, const Endpoint& remote) const {
  return binding_at(protocol, external, remote) == kNone && !occupied_.occupied(protocol, external, remote);
}

std::uint32_t Table::source_of(Protocol protocol, const Endpoint& internal) {
  std::uint32_t number = find_source(protocol, internal);
  if (number != kNone) return number;
  number = take_record(sources_, free_sources_);
  sources_[number] = {protocol, internal, kNone};
  source_index_.insert(hash_of(protocol, internal, {}), number);
  return number;
}

Subscriber& Table::subscriber(const IpAddress& address) {
  const std::uint32_t hash = HashState().add(Endpoint{address, 0}).value();
  const std::uint32_t found =
      subscriber_index_.find(hash, [&](std::uint32_t number) { return subscribers_[number].address == address; });
  if (found != kNone) return subscribers_[found];
  const auto number = static_cast<std::uint32_t>(subscribers_.size());
  subscribers_.push_back({address, number, 0});
  subscriber_index_.insert(hash, number);
  return subscribers_.back();
}

std::uint32_t Table::add_binding(Protocol protocol, const Endpoint& internal, const Endpoint& external,
                                 const Endpoint& remote) {
  const std::uint32_t number = take_record(bindings_, free_bindings_);
  Binding& binding = bindings_[number];
  binding = {.protocol = protocol,
             .in_use = true,
             .internal = internal,
             .external = external,
             .remote = seen_by(mapping_rule(internal.address), remote),
             .source = source_of(protocol, internal)};
  by_rule_.insert(hash_of(protocol, internal, binding.remote), number);
  by_external_.insert(hash_of(protocol, external, sharing(external, binding.remote)), number);
  Source& source = sources_[binding.source];
  binding.next_of_source = source.first_binding;
  if (source.first_binding != kNone) bindings_[source.first_binding].previous_of_source = number;
  source.first_binding = number;
  ++subscriber(internal.address).bindings;
  return number;
}

std::uint32_t Table::outbound_hash(const Session& session) const {
  const Binding& binding = bindings_[session.binding];
  return hash_of(binding.protocol, binding.internal, session.remote);
}

std::uint32_t Table::inbound_hash(const Session& session) const {
  const Binding& binding = bindings_[session.binding];
  return hash_of(binding.protocol, binding.external, session.remote);
}

std::uint32_t Table::add_session(Time now, std::uint32_t binding, const Endpoint& remote, Direction direction) {
  Binding& owner = bindings_[binding];
  // An answer leaves through this binding if the session says so or the mapping rule comes to the same.
  const bool leaves =
      direction == Direction::outbound ||
      (find_outbound(owner.protocol, owner.internal, remote) == kNone &&
       (behavior_.reply == ReplyRule::session || find_binding(owner.protocol, owner.internal, remote) == binding));
  const std::uint32_t number = take_record(sessions_, free_sessions_);
  Session& session = sessions_[number];
  const std::uint32_t generation = session.generation + 1;
  session = {};
  session.remote = remote;
  session.binding = binding;
  session.generation = generation;
  session.created = session.expires = now;
  session.in_use = true;
  session.leaves_by_binding = leaves;
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
  const Protocol protocol = bindings_[session.binding].protocol;
  const bool first = !session.outbound_seen && !session.inbound_seen;
  const bool outbound = direction == Direction::outbound;
  if (outbound && !session.outbound_seen) {
    if (behavior_.filtering != Filtering::endpoint_independent) {
      permissions_.add(scope_of(session.binding), seen_by(behavior_.filtering, session.remote));
    }
    set_keeper(session);
  }
  (outbound ? session.outbound_seen : session.inbound_seen) = true;
  const bool refreshes = protocol != Protocol::udp || behavior_.refresh == Refresh::both ||
                         (behavior_.refresh == Refresh::outbound) == outbound;
  if (refreshes) set_keeper(session);

  const bool was_closed = session.tcp.closed();
  if (protocol == Protocol::tcp) session.tcp.note(direction, tcp_flags);
  const Time until = now + lifetime(session, protocol, behavior_.lifetimes, now);
  if (session.tcp.closed()) {
    if (was_closed) return;
    session.expires = until;
    reminders_.add({until, number, session.generation});
  } else if (refreshes || first) {
    session.expires = std::max(session.expires, until);
    if (first) reminders_.add({session.expires, number, session.generation});
  }
}

void Table::occupy(Time now, Protocol protocol, const Endpoint& external, const Endpoint& remote) {
  const Lifetimes& lifetimes = behavior_.lifetimes;
  const Duration held = protocol == Protocol::udp   ? lifetimes.udp_unreplied
                        : protocol == Protocol::tcp ? lifetimes.tcp_transitory
                                                    : lifetimes.icmp_query;
  occupied_.occupy(protocol, external, remote, now + held);
}

void Table::expire(Time now) {
  occupied_.expire(now);
  while (reminders_.due(now)) {
    const auto reminder = reminders_.take();
    const Session& session = sessions_[reminder.record];
    if (!session.in_use || session.generation != reminder.generation) continue;
    if (session.expires > now) {
      reminders_.add({session.expires, reminder.record, reminder.generation});
    } else {
      drop_session(reminder.record);
    }
  }
}

/// Takes a session out of all but its binding's count of keepers.
void Table::forget_session(std::uint32_t number) {
  Session& session = sessions_[number];
  inbound_.erase(inbound_hash(session), number);
  if (session.leaves_by_binding) outbound_.erase(outbound_hash(session), number);
  if (session.outbound_seen && behavior_.filtering != Filtering::endpoint_independent) {
    permissions_.remove(scope_of(session.binding), seen_by(behavior_.filtering, session.remote));
  }
  if (session.previous_in_binding == kNone) {
    bindings_[session.binding].first_session = session.next_in_binding;
  } else {
    sessions_[session.previous_in_binding].next_in_binding = session.next_in_binding;
  }
  if (session.next_in_binding != kNone)
    sessions_[session.next_in_binding].previous_in_binding = session.previous_in_binding;
  session.in_use = false;
  free_sessions_.push_back(number);
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
  by_rule_.erase(hash_of(binding.protocol, binding.internal, binding.remote), number);
  by_external_.erase(hash_of(binding.protocol, binding.external, sharing(binding.external, binding.remote)), number);
  Source& source = sources_[binding.source];
  (binding.previous_of_source == kNone ? source.first_binding : bindings_[binding.previous_of_source].next_of_source) =
      binding.next_of_source;
  if (binding.next_of_source != kNone)
    bindings_[binding.next_of_source].previous_of_source = binding.previous_of_source;
  if (source.first_binding == kNone) {
    source_index_.erase(hash_of(binding.protocol, binding.internal, {}), binding.source);
    free_sources_.push_back(binding.source);
  }
  --subscriber(binding.internal.address).bindings;
  binding.in_use = false;
  free_bindings_.push_back(number);
  ++bindings_expired_;
}

}  // namespace weft::nat
