// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "mesh/path/peer_paths.h"

namespace weft::path::test {

/// The simplest NAT that has RFC 4787's two axes: random-looking port allocation, state per mapping, nothing expires.
class ModelNat {
 public:
  struct Options {
    Mapping mapping = Mapping::endpoint_independent;
    Filtering filtering = Filtering::address_and_port_dependent;
    bool reply_from_session = false;  // an answer to an admitted inbound flow leaves from the port it came to
  };
  ModelNat(IpAddress external, Options options) : external_(external), options_(options) {}

  /// A flow to `destination` is older than the others and goes on by `port`.
  void remember(const Endpoint& destination, std::uint16_t port) { older_[destination] = port; }
  /// The source that the outside sees for a datagram to `destination`.
  Endpoint out(const Endpoint& destination) {
    if (const auto flow = older_.find(destination); flow != older_.end()) {
      sent_.insert({flow->second, filter_key(destination)});
      return {external_, flow->second};
    }
    if (const auto session = inbound_.find(destination); session != inbound_.end()) return {external_, session->second};
    auto& port = mappings_[mapping_key(destination)];
    if (port == 0) port = static_cast<std::uint16_t>(20000 + 7919 * ++allocated_ % 40000);
    sent_.insert({port, filter_key(destination)});
    sessions_.insert(destination);
    return {external_, port};
  }
  /// Whether a datagram from `source` to our external `port` goes through.
  bool in(const Endpoint& source, std::uint16_t port) {
    bool mapped = false;
    for (const auto& [key, external_port] : mappings_) mapped = mapped || external_port == port;
    for (const auto& [destination, external_port] : older_) mapped = mapped || external_port == port;
    if (!mapped ||
        (options_.filtering != Filtering::endpoint_independent && !sent_.contains({port, filter_key(source)}))) {
      return false;
    }
    if (options_.reply_from_session && !sessions_.contains(source)) inbound_[source] = port;
    return true;
  }
  NatFacts facts() const { return {.mapping = options_.mapping, .filtering = options_.filtering}; }

 private:
  Endpoint mapping_key(const Endpoint& destination) const {
    if (options_.mapping == Mapping::endpoint_independent) return {};
    return options_.mapping == Mapping::address_dependent ? Endpoint{destination.address, 0} : destination;
  }
  Endpoint filter_key(const Endpoint& remote) const {
    return options_.filtering == Filtering::address_dependent ? Endpoint{remote.address, 0} : remote;
  }

  IpAddress external_;
  Options options_;
  std::map<Endpoint, std::uint16_t> mappings_;
  std::map<Endpoint, std::uint16_t> older_;
  std::set<std::pair<std::uint16_t, Endpoint>> sent_;
  std::set<Endpoint> sessions_;
  std::map<Endpoint, std::uint16_t> inbound_;
  unsigned allocated_ = 0;
};

///   a ── NAT ──(direct_delay)── NAT ── b        a and b also reach each other through relay 1 in relay_delay.
/// Two cores in virtual time. Everything that crosses can be refused by `lose` (called once per datagram, in order).
class TwoSides {
 public:
  static constexpr Duration kDirectDelay = 15ms, kRelayDelay = 25ms;
  struct Datagram {
    bool to_b = false;
    bool relayed = false;
    bool opener = false;  // its TTL ends behind the sender's NATs
    Endpoint source, destination;
    Bytes bytes;
  };
  struct Side {
    Side(IpAddress external, ModelNat::Options options) : nat(external, options) {}
    LocalView local;
    ModelNat nat;
    ProbeBudget budget;
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<PeerPaths> paths;
    std::vector<PathEvent> events;
    std::vector<Time> sent;  // direct probes
    bool sending = false;    // data each 20 ms on the chosen path
    unsigned data_received = 0;
    std::optional<Time> last_data;
  };

  TwoSides(ModelNat::Options nat_a, ModelNat::Options nat_b, std::uint64_t seed = 1, std::uint16_t full_room = 0)
      : a(IpAddress::v4(192, 0, 2, 1), nat_a), b(IpAddress::v4(198, 51, 100, 1), nat_b) {
    set_up(a, 0xA, 0xB, IpAddress::v4(10, 0, 0, 2), seed, full_room);
    set_up(b, 0xB, 0xA, IpAddress::v4(10, 1, 0, 2), seed + 1000, full_room);
    exchange_map();
  }

  void exchange_map() {
    a.paths->handle_remote(now, b.local.candidates, b.local.facts);
    b.paths->handle_remote(now, a.local.candidates, a.local.facts);
    if (relay_up) a.paths->handle_relay(now, 1), b.paths->handle_relay(now, 1);
    drain();
  }
  void need() {
    a.paths->handle_need(now);
    drain();
  }
  bool both_direct() const { return direct(a) && direct(b); }
  static bool direct(const Side& side) { return side.paths->status().path_class == PathClass::direct; }

  /// Steps from event to event until `done` or for `limit`.
  bool drive_until(const std::function<bool()>& done, Duration limit = 60s) {
    const Time end = now + limit;
    drain();
    while (!done()) {
      const auto next = next_event();
      if (!next || *next > end) return now = end, done();
      now = std::max(now, *next);
      step();
    }
    return true;
  }
  void drive_for(Duration time) {
    drive_until([] { return false; }, time);
  }

  Side a, b;
  Time now{1s};
  bool relay_up = true;
  std::function<bool(const Datagram&)> lose = [](const Datagram&) { return false; };

 private:
  void set_up(Side& side, std::uint8_t self, std::uint8_t peer, IpAddress inside, std::uint64_t seed,
              std::uint16_t full_room) {
    side.local.sockets = {{0, IpFamily::v4}};
    side.local.facts = side.nat.facts();
    const Endpoint stun_server{IpAddress::v4(203, 0, 113, 1), 3478};
    side.local.candidates = {{CandidateKind::host, {inside, 41641}},
                             {CandidateKind::server_reflexive, side.nat.out(stun_server)}};
    side.random = std::make_unique<SeededRandom>(seed, "path");
    const PeerPathsConfig config{.self = {self},
                                 .peer_key = {peer},
                                 .probe_key = [] { return crypto::SymmetricKey({7}); },
                                 .peer = peer,
                                 .full_room = full_room};
    side.paths = std::make_unique<PeerPaths>(config, side.local, side.budget, *side.random);
  }

  void drain() {
    for (Side* side : {&a, &b}) {
      while (auto datagram = side->paths->poll_transmit())
        transmit(*side, datagram->path, std::move(datagram->bytes), datagram->ttl != 0);
      while (auto event = side->paths->poll_event()) side->events.push_back(*event);
    }
  }
  void transmit(Side& from, const PathId& path, Bytes bytes, bool opener = false) {
    Datagram datagram{.to_b = &from == &a,
                      .relayed = path.relayed(),
                      .opener = opener,
                      .source = {},
                      .destination = path.remote,
                      .bytes = std::move(bytes)};
    if (!datagram.relayed) {
      if (datagram.bytes[0] == kProbeMagic) from.sent.push_back(now);
      datagram.source = from.nat.out(path.remote);
    } else if (!relay_up) {
      return;
    }
    if (lose(datagram)) return;
    flying_.emplace(now + (datagram.relayed ? kRelayDelay : kDirectDelay), std::move(datagram));
  }
  void arrive(const Datagram& datagram) {
    Side& side = datagram.to_b ? b : a;
    if (!datagram.relayed && !side.nat.in(datagram.source, datagram.destination.port)) return;
    if (!datagram.relayed && datagram.destination.address != external(side)) return;
    const PathId from{
        .socket = 0, .relay = static_cast<std::uint16_t>(datagram.relayed ? 1 : 0), .remote = datagram.source};
    if (datagram.bytes[0] != kProbeMagic) {
      side.data_received += 1;
      side.last_data = now;
      side.paths->handle_data_received(now, from);
    } else {
      side.paths->handle_datagram(now, from, datagram.bytes);
    }
  }
  IpAddress external(const Side& side) const {
    return &side == &a ? IpAddress::v4(192, 0, 2, 1) : IpAddress::v4(198, 51, 100, 1);
  }
  std::optional<Time> next_event() const {
    auto next = earlier(a.paths->next_deadline(), b.paths->next_deadline());
    if (!flying_.empty()) next = earlier(next, flying_.begin()->first);
    if (a.sending || b.sending) next = earlier(next, next_data_);
    return next;
  }
  void step() {
    while (!flying_.empty() && flying_.begin()->first <= now) {
      const Datagram datagram = std::move(flying_.begin()->second);
      flying_.erase(flying_.begin());
      arrive(datagram);
      drain();
    }
    for (Side* side : {&a, &b}) {
      if (const auto at = side->paths->next_deadline(); at && *at <= now) side->paths->handle_timeout(now);
    }
    if ((a.sending || b.sending) && next_data_ <= now) {
      next_data_ = now + 20ms;
      for (Side* side : {&a, &b}) send_data(*side);
    }
    drain();
  }
  void send_data(Side& side) {
    if (!side.sending) return;
    const auto status = side.paths->status();
    if (!status.chosen) return;
    transmit(side, *status.chosen, {4});
    if (status.duplicate) transmit(side, *status.duplicate, {4});
    side.paths->handle_data_sent(now);
  }

  std::multimap<Time, Datagram> flying_;
  Time next_data_{};
};

}  // namespace weft::path::test
