// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "mesh/agent/agent.h"
#include "mesh/agent/data_plane.h"
#include "mesh/agent/datagram_mux.h"
#include "mesh/agent/identity.h"
#include "mesh/agent/lazy_tls.h"
#include "mesh/agent/local_addresses.h"
#include "mesh/agent/mapped_port.h"
#include "mesh/agent/nat64_host.h"
#include "mesh/agent/peer_carriers.h"
#include "mesh/agent/peer_table.h"
#include "mesh/agent/relay_links.h"
#include "mesh/agent/search_record.h"
#include "mesh/agent/stream_paths.h"
#include "mesh/agent/timestamps.h"
#include "mesh/agent/uplinks.h"
#include "mesh/io/state_store.h"
#include "mesh/transport/control_channel.h"

namespace weft::agent {

/// The parts of a running agent and what each tells the others. Made by Agent::start, destroyed by Agent::stop.
class Wiring {
 public:
  struct Observer {
    std::function<void()> on_change;
    std::function<void(const PathReport&)> on_path;
    std::function<void(const Error&)> on_error;
  };

  Wiring(io::Host& host, const AgentConfig& config, Observer observer);
  ~Wiring();
  Result<void> start();
  /// Ends what the gateway holds open for us. To be kept until that has been said; null: nothing is held.
  std::unique_ptr<MappedPort> withdraw_port();

  AgentStatus status() const;
  SelfStatus self() const;
  std::optional<PeerStatus> peer(const IpAddress& address) const;
  NetworkReport netcheck() const;
  Result<PeerReport> explain(const std::string& peer) const;
  void ping(const std::string& peer, PingHandler handler);

 private:
  const http::ProxySettings* proxy() const { return config_.proxy ? &*config_.proxy : nullptr; }
  Result<void> open_sockets();
  void build();
  Result<void> load_map();
  Result<void> apply_map(const control::NetworkMap& map);
  void apply_topology(const control::NetworkMap& map);
  Result<void> open_tun(std::vector<IpAddress> addresses);
  void apply_routes();
  void find_conflicts();
  void apply_servers();
  void choose_relay();
  void cut_off();
  const control::NetworkMap& map() const;
  std::optional<std::uint64_t> peer_by_text(const std::string& text) const;
  void save_map();

  void on_control(const control::ClientSession::Event& event);
  void on_signal(const control::ClientSession::SignalReceived& signal);
  void on_map(const control::ClientSession::MapChanged& changed);
  void on_relay_datagram(std::uint16_t relay, const crypto::PublicKey& from, ByteView datagram);
  void greet(const crypto::PublicKey& from, ByteView datagram);
  std::optional<std::uint16_t> on_relay_udp(const Endpoint& from, ByteView datagram);
  std::optional<PathId> on_carried(const PathId& from, ByteView datagram);
  void on_probe(const PathId& from, ByteView datagram);
  void on_addresses();
  void on_relay_state();
  void on_mapped_port();
  void make_pinhole(std::uint16_t port);
  void on_network();
  void on_search();
  StreamPaths& streams();
  void on_stream_candidates();
  void look_at_siblings();
  bool is_mesh() const { return config_.topology.kind == Topology::mesh; }
  bool is_sibling(const control::PeerRecord& peer) const;
  void on_peer(PeerLink& link);
  void publish();
  void changed();
  std::optional<PeerStatus> status_of(const control::PeerRecord& record) const;
  PeerStatus status_of(const control::PeerRecord& record, const PeerTable::Entry& entry) const;
  PeerStatus status_behind_hub(const control::PeerRecord& record) const;
  Error not_a_peer(const std::string& peer) const;

  io::Host& outer_;  // without NAT64
  Nat64Host nat64_;
  io::Host& host_;  // that one
  const AgentConfig& config_;
  Observer observer_;
  io::StateStore store_;
  Identity identity_;
  Timestamps timestamps_;
  LazyTls tls_;
  std::unique_ptr<Random> wireguard_random_, path_random_, relay_random_, control_random_, stun_random_;
  path::ProbeBudget budget_;
  SearchRecord searches_;
  control::NetworkMap stored_map_;
  path::LocalView told_;              // what the peers' links were told of last
  std::set<std::uint64_t> siblings_;  // peers behind our external IPv4 address
  std::vector<IpAddress> tun_addresses_;
  std::string hub_;  // of a spoke: the name of its hub
  std::vector<OverlayConflict> conflicts_;

  std::unique_ptr<DatagramMux> mux_;
  std::unique_ptr<Uplinks> uplinks_;
  std::unique_ptr<DataPlane> data_;
  std::unique_ptr<RelayLinks> relays_;
  std::unique_ptr<LocalAddresses> addresses_;
  std::unique_ptr<MappedPort> mapped_port_;  // null: switched off, or there is no IPv4
  std::unique_ptr<PortMapping> pinhole_;     // of our IPv6 port, in the router's firewall; null: as above
  std::unique_ptr<StreamPaths> streams_;     // null: none was wanted
  std::unique_ptr<PeerTable> peers_;
  std::unique_ptr<PeerCarriers> carriers_;
  std::unique_ptr<transport::ControlChannel> control_;
  bool can_signal_ = false;  // as the peers' links were told
  bool map_unsaved_ = false;
  bool map_saved_ = false;  // in this run
  CoreTimer save_timer_;
  CoreTimer change_timer_;
  struct PendingPing;
  std::unique_ptr<PendingPing> ping_;
};

}  // namespace weft::agent
