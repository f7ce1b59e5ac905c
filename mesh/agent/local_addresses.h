// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "mesh/agent/core_timer.h"
#include "mesh/agent/explain.h"
#include "mesh/agent/lifetime_learner.h"
#include "mesh/agent/nat_learner.h"
#include "mesh/path/candidate.h"
#include "mesh/stun/client.h"
#include "mesh/stun/nat_discovery.h"

namespace weft::io {
class UdpSocket;
}

namespace weft::agent {

class DatagramMux;

/// Where this host can be reached: the addresses of its interfaces, and per socket what the relays' STUN servers see,
/// with what RFC 5780 tells of the NATs between. The reflexive mapping is kept alive by a Binding each kRefresh, which
/// also notices when it changes; while nothing answers, each kRetry asks anew. UDP counts as blocked when a round of
/// tests ends without an answer; and before that, until one comes, when a relay is open over TCP and kSilent and two of
/// its round trips have passed, by when each server has been asked twice.
class LocalAddresses {
 public:
  /// Below the 30 s after which netfilter forgets an unanswered flow.
  static constexpr Duration kRefresh = 25s;
  static constexpr Duration kRetry = 5s;
  /// Until the second request to each server, and some time.
  static constexpr Duration kSilent = 300ms;
  /// STUN server endpoints of one family that are asked.
  static constexpr std::size_t kMaxServers = 8;

  /// Sends through `mux`; `on_change` after each change of view().
  LocalAddresses(io::Host& host, DatagramMux& mux, Random& random, std::function<void()> on_change);
  ~LocalAddresses();

  /// The STUN endpoints of the relays, the home relay's first.
  void set_servers(const std::vector<Endpoint>& servers);
  const std::vector<Endpoint>& servers() const { return servers_; }
  /// Addresses of ours inside the overlay: never candidates.
  void set_overlay(const std::vector<IpAddress>& addresses);
  /// The multiplexer has other sockets than before; network_changed() follows.
  void sockets_changed();
  /// What is known of our port on the gateway: a candidate while strangers come through.
  void set_port_mapping(path::PortMapping state, std::optional<Endpoint> endpoint);
  /// Where peers can connect to over TCP; told in plans, without on_change.
  void set_stream_candidates(std::vector<path::Candidate> candidates);
  /// A round trip to a relay over TCP; nullopt: none is open.
  void set_stream_rtt(std::optional<Duration> rtt);
  /// What siblings behind our NAT have published about it.
  void set_sibling(const path::NatFacts& facts) { learner_.set_sibling(facts); }
  /// A NAT for IPv4 is before this host, as far as the servers have told.
  bool behind_nat() const;
  void network_changed();
  /// A path that worked does not answer: perhaps our mapping is another. Asks now, at most once a second.
  void doubt();
  void handle_stun(std::uint16_t socket, const Endpoint& from, ByteView datagram);

  const path::LocalView& view() const { return view_; }
  /// Every socket has been asked about, as far as there are servers.
  bool complete() const;
  /// Sends from a fresh socket at once; the handler gets its external port if the server answers.
  void sample(IpFamily family, std::function<void(std::uint16_t)> handler);
  /// Measures how long idle mappings live, unless that is known; lifetimes of view() follow within minutes, without
  /// on_change.
  void learn_lifetime(IpFamily family);
  /// Of the first Binding of the latest round; nullopt if it was not answered.
  std::optional<Duration> round_trip(const Endpoint& server) const;
  /// For reports.
  FamilyReport family(IpFamily family) const;
  std::optional<Duration> facts_age() const;

 private:
  /// What is asked about one socket.
  struct Probe {
    path::LocalSocket socket;
    std::vector<Endpoint> servers;
    std::unique_ptr<stun::NatDiscovery> discovery;  // runs, or has run
    std::unique_ptr<io::UdpSocket> fresh;           // for its filtering tests
    std::unique_ptr<stun::Client> client;           // for refreshing
    std::unique_ptr<LifetimeLearner> lifetime;      // null: not asked for
    std::optional<Time> refresh_at, refreshed_at;
    std::map<Endpoint, Endpoint> mapped;  // by server
    Time started;                         // of the discovery
    std::map<Endpoint, Duration> round_trips;
    path::NatFacts facts;
    bool known = false;
    std::optional<Time> learned;  // the end of the last round of tests
  };

  Time now() const;
  void add_probe(const path::LocalSocket& socket);
  std::vector<Endpoint> servers_for(IpFamily family) const;
  void restart(Probe& probe);
  void finish(Probe& probe, const stun::DiscoveryFinished& finished);
  void refresh(Probe& probe);
  void refreshed(Probe& probe, const stun::ClientEvent& event);
  void drain();
  void drain(Probe& probe);
  void learn(const Probe& probe);
  void learned();
  std::optional<Endpoint> answering_server(const Probe& probe) const;
  bool translated(const Probe& probe) const;
  std::optional<Time> silent_at(const Probe& probe) const;
  void rebuild();

  io::Host& host_;
  DatagramMux& mux_;
  Random& random_;
  std::function<void()> on_change_;
  std::vector<IpAddress> overlay_;
  std::vector<Endpoint> servers_;
  std::vector<path::Candidate> stream_candidates_;
  path::PortMapping port_mapping_ = path::PortMapping::unknown;
  std::optional<Endpoint> mapped_endpoint_;
  std::optional<Duration> stream_rtt_;
  std::vector<Probe> probes_;
  path::LocalView view_;
  NatLearner learner_;
  CoreTimer timer_;
};

}  // namespace weft::agent
