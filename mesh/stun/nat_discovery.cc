// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/nat_discovery.h"

#include <algorithm>

#include "mesh/base/assert.h"
#include "mesh/base/deadlines.h"
#include "mesh/stun/nat64.h"

namespace weft::stun {
namespace {

/// Most server endpoints asked, whatever OTHER-ADDRESS names.
constexpr std::size_t kMaxServers = 32;

}  // namespace

std::string_view to_string(Mapping mapping) {
  switch (mapping) {
    case Mapping::unknown:
      return "unknown";
    case Mapping::unknown_beyond_address:
      return "unknown_beyond_address";
    case Mapping::unknown_but_dependent:
      return "unknown_but_dependent";
    case Mapping::endpoint_independent:
      return "endpoint_independent";
    case Mapping::address_dependent:
      return "address_dependent";
    case Mapping::address_and_port_dependent:
      return "address_and_port_dependent";
  }
  return "unknown";
}

std::string_view to_string(Filtering filtering) {
  switch (filtering) {
    case Filtering::unknown:
      return "unknown";
    case Filtering::unknown_beyond_address:
      return "unknown_beyond_address";
    case Filtering::unknown_but_dependent:
      return "unknown_but_dependent";
    case Filtering::endpoint_independent:
      return "endpoint_independent";
    case Filtering::address_dependent:
      return "address_dependent";
    case Filtering::address_and_port_dependent:
      return "address_and_port_dependent";
  }
  return "unknown";
}

NatDiscovery::NatDiscovery(DiscoveryConfig config, Random& random) : config_(std::move(config)), random_(random) {}

void NatDiscovery::start(Time now) {
  for (const Endpoint& server : config_.servers) ask(now, server);
  settle(now);
}

void NatDiscovery::ask(Time now, const Endpoint& server) {
  if (asked_.size() == kMaxServers || !asked_.insert(server).second) return;
  begin(now, Kind::binding, server, std::nullopt, config_.binding);
}

void NatDiscovery::begin(Time now, Kind kind, const Endpoint& server, std::optional<ChangeRequest> change,
                         const Timing& timing) {
  Message request{.transaction_id = make_transaction_id(random_)};
  if (change) add_change_request(request, *change);
  tests_.push_back({kind, Transaction(server, request, timing, change ? AnswerFrom::anywhere : AnswerFrom::server)});
  tests_.back().transaction.start(now);
}

void NatDiscovery::begin_filtering(Time now, const Endpoint& server, const Endpoint& other,
                                   std::optional<Duration> rtt) {
  filtering_begun_ = true;
  Timing timing = config_.filtering;
  if (rtt) timing.rto = std::max(timing.rto, *rtt / 2);
  begin(now, Kind::filtering_plain, server, std::nullopt, timing);
  if (other.address != server.address) {
    begin(now, Kind::filtering_address, server, ChangeRequest{.address = true, .port = other.port != server.port},
          timing);
  } else {
    from_other_address_ = Verdict::unsupported;
  }
  if (other.port != server.port) {
    begin(now, Kind::filtering_port, server, ChangeRequest{.address = false, .port = true}, timing);
  } else {
    from_other_port_ = Verdict::unsupported;
  }
}

bool NatDiscovery::handle_datagram(Time now, TestSocket socket, const Endpoint& from, ByteView datagram) {
  const auto message = parse(datagram);
  if (!message) return false;
  for (Test& test : tests_) {
    if (socket_of(test.kind) != socket || !test.transaction.handle_message(now, from, *message)) continue;
    settle(now);
    return true;
  }
  return false;
}

void NatDiscovery::handle_timeout(Time now) {
  for (Test& test : tests_) test.transaction.handle_timeout(now);
  settle(now);
}

/// Draws the conclusions of all tests that have ended; they may begin new ones. The end of the last one is the end.
void NatDiscovery::settle(Time now) {
  for (std::size_t i = 0; i < tests_.size(); ++i) {
    const auto event = tests_[i].transaction.poll_event();
    if (event) conclude(now, tests_[i].kind, Endpoint(tests_[i].transaction.server()), *event);
  }
  std::erase_if(tests_, [](const Test& test) { return test.transaction.done(); });
  if (!tests_.empty() || finished_) return;
  finished_ = true;
  events_.emplace_back(
      DiscoveryFinished{.mapping = mapping(), .filtering = filtering(), .udp_blocked = mapped_.empty()});
}

void NatDiscovery::conclude(Time now, Kind kind, const Endpoint& server, const TransactionEvent& event) {
  const auto* answered = std::get_if<Answered>(&event);
  const Verdict without_answer = std::holds_alternative<TimedOut>(event) ? Verdict::silent : Verdict::unsupported;
  switch (kind) {
    case Kind::binding:
      if (answered != nullptr) conclude_binding(now, server, *answered);
      return;
    case Kind::filtering_plain:
      plain_ = answered != nullptr ? Verdict::passed : without_answer;
      return;
    case Kind::filtering_address: {  // a server that does not know CHANGE-REQUEST may answer from where it was asked
      const bool moved = answered != nullptr && answered->from.address != server.address;
      from_other_address_ = moved ? Verdict::passed : answered != nullptr ? Verdict::unsupported : without_answer;
      return;
    }
    case Kind::filtering_port: {
      const bool moved =
          answered != nullptr && answered->from.address == server.address && answered->from.port != server.port;
      from_other_port_ = moved ? Verdict::passed : answered != nullptr ? Verdict::unsupported : without_answer;
      return;
    }
  }
}

void NatDiscovery::conclude_binding(Time now, const Endpoint& server, const Answered& answered) {
  const auto reflexive = reflexive_address(answered.response);
  if (!reflexive) return;
  mapped_[server] = *reflexive;
  events_.emplace_back(ReflexiveFound{server, *reflexive});
  auto other = address(answered.response, AttributeType::other_address);
  if (other) other = through_nat64(config_.nat64_prefix, *other);
  if (!other || other->address.family() != server.address.family() || *other == server) return;
  ask(now, *other);
  ask(now, {other->address, server.port});
  if (!filtering_begun_) begin_filtering(now, server, *other, answered.rtt);
}

Mapping NatDiscovery::mapping() const {
  if (mapped_.empty()) return Mapping::unknown;
  const auto& [first_server, first_mapped] = *mapped_.begin();
  bool same = true;
  bool two_addresses = false;
  bool two_ports = false;                                       // of one address
  for (auto at = mapped_.begin(); at != mapped_.end(); ++at) {  // sorted: ports of one address are neighbours
    same = same && at->second == first_mapped;
    two_addresses = two_addresses || at->first.address != first_server.address;
    if (at == mapped_.begin() || std::prev(at)->first.address != at->first.address) continue;
    two_ports = true;
    if (std::prev(at)->second != at->second) return Mapping::address_and_port_dependent;
  }
  if (!two_addresses) return two_ports ? Mapping::unknown_beyond_address : Mapping::unknown;
  if (same) return Mapping::endpoint_independent;
  return two_ports ? Mapping::address_dependent : Mapping::unknown_but_dependent;
}

Filtering NatDiscovery::filtering() const {
  if (plain_ != Verdict::passed) return Filtering::unknown;
  if (from_other_address_ == Verdict::passed) return Filtering::endpoint_independent;
  const bool silent = from_other_address_ == Verdict::silent;
  switch (from_other_port_) {
    case Verdict::passed:
      return silent ? Filtering::address_dependent : Filtering::unknown_beyond_address;
    case Verdict::silent:
      return Filtering::address_and_port_dependent;
    case Verdict::unsupported:
      return silent ? Filtering::unknown_but_dependent : Filtering::unknown;
    case Verdict::unknown:
      return Filtering::unknown;
  }
  return Filtering::unknown;
}

std::optional<DiscoveryDatagram> NatDiscovery::poll_transmit() {
  for (Test& test : tests_) {
    if (auto datagram = test.transaction.poll_transmit()) {
      return DiscoveryDatagram{socket_of(test.kind), datagram->destination, std::move(datagram->bytes)};
    }
  }
  return std::nullopt;
}

std::optional<DiscoveryEvent> NatDiscovery::poll_event() {
  if (events_.empty()) return std::nullopt;
  DiscoveryEvent event = events_.front();
  events_.pop_front();
  return event;
}

std::optional<Time> NatDiscovery::next_deadline() const {
  std::optional<Time> first;
  for (const Test& test : tests_) first = earlier(first, test.transaction.next_deadline());
  return first;
}

}  // namespace weft::stun
