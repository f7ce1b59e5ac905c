// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "mesh/agent/core_timer.h"
#include "mesh/agent/search_sockets.h"
#include "mesh/control/netmap.h"
#include "mesh/path/peer_paths.h"
#include "mesh/wireguard/device.h"

namespace weft::agent {

class RelayLinks;

/// What all peer links of an agent share.
struct PeerLinkContext {
  io::Host& host;
  wireguard::Device& device;
  RelayLinks& relays;
  const path::LocalView& local;
  path::ProbeBudget& budget;
  Random& random;
  const crypto::PrivateKey& node_key;
  path::KeyId self;  // of node_key
  DatagramMux& mux;
  /// What the map says of a peer now; null: nothing.
  std::function<const control::PeerRecord*(std::uint64_t)> record;
  /// Sends from a fresh socket at once; its external port follows, if a STUN server answers.
  std::function<void(IpFamily, std::function<void(std::uint16_t)>)> sample;
  /// An idle path asks how long its NATs remember.
  std::function<void(IpFamily)> learn_lifetime;
  std::function<void(const OutgoingDatagram&)> send;
  /// Sends a plan or its acknowledgement to a peer, by its number, through the coordinator.
  std::function<void(std::uint64_t peer, ByteView datagram)> signal;
  /// Whether the coordinator does that now.
  std::function<bool()> can_signal;
  /// The device was told of another path: drain it.
  std::function<void()> on_path_set;
  std::function<void(class PeerLink&)> on_status;
  /// Streams may be opened to these endpoints of a peer, and accepted.
  std::function<void(const std::vector<Endpoint>& remotes)> want_streams;
  /// A peer was heard on this stream.
  std::function<void(std::uint16_t stream)> on_stream_proved;
  /// A search has begun or ended.
  std::function<void()> on_search;
  /// The peer says something about carrying.
  std::function<void(const PeerLink&, const PathId& from, const path::Carry&)> on_carry;
  /// The peer has answered by way of one that carries.
  std::function<void(const PeerLink&, const PathId&)> on_carried;
  /// The TUN device's MTU: no path is asked for more.
  std::uint16_t mtu = 0;
  /// Links whose path has less room than that.
  std::size_t narrow = 0;
  /// Links that duplicate their data.
  std::size_t duplicating = 0;
  /// No direct path is looked for.
  bool relay_only = false;
};

/// One peer's path life: its PeerPaths, which relay leads to it, and its number in the WireGuard device. The device
/// always has a path if the map names a relay: what it sends before that relay is open waits in the relay's link.
class PeerLink {
 public:
  /// `id`: of the peer in the device, which outlives the link. update() with the same record follows when the link can
  /// be found.
  PeerLink(PeerLinkContext& context, const control::PeerRecord& record, wireguard::PeerId id);
  ~PeerLink();

  /// The peer's number and name in the map.
  std::uint64_t map_id() const { return map_id_; }
  const std::string& name() const { return name_; }
  wireguard::PeerId id() const { return id_; }
  /// That of PeerPaths; but no path, for the reason `peer_absent`, while the relay says that the peer is not there.
  path::PathStatus status() const;
  /// The status of a peer whose home relay is `home_relay` and that has no link yet.
  static path::PathStatus first_status(const PeerLinkContext& context, std::uint16_t home_relay);
  path::Explanation explain() const { return paths_.explain(now()); }
  /// Where a copy of each datagram goes while the chosen path is suspect.
  const std::optional<PathId>& duplicate() const { return duplicate_; }

  void update(const control::PeerRecord& record);
  /// Whether update() was told something else about the peer's ways.
  bool is_news(const control::PeerRecord& record) const;
  void local_changed();
  /// These sockets of ours are closed, or go by another interface.
  void sockets_moved(const std::vector<std::uint16_t>& sockets);
  /// A stream to one of the peers that wanted it is open.
  void stream_opened(const PathId& path);
  void stream_candidates_changed();
  /// A relay link opened or closed.
  void relay_changed();
  /// The channel to the coordinator has opened or closed.
  void signalling_changed();
  /// A relay has no connection of the peer: told until the peer is heard again.
  void absent(std::uint16_t relay);
  /// The agent's own packets want this peer.
  void need();
  void data_sent(std::uint32_t datagrams);
  /// The largest datagram of that.
  void largest_sent(std::size_t size);
  /// ICMP says that a datagram on `path` was too big.
  void too_big(const PathId& path, std::uint32_t mtu);
  /// The largest inner packet that the path takes without fragments; 0: any.
  std::size_t inner_mtu() const { return inner_mtu_; }
  void data_received(const PathId& from, std::uint32_t datagrams);
  /// Data that no session of ours opens came by the path to this peer: it may still use one that we had before we were
  /// started anew. Makes one, if there is none.
  void stray_received();
  void probe_received(const PathId& from, ByteView datagram);
  /// See PeerPaths: carrying_path, send_carry, handle_carrier, handle_carrier_gone, knows.
  std::optional<PathId> carrying_path() const { return paths_.carrying_path(); }
  void send_carry(const path::Carry& carry);
  void carrier_bound(const PathId& path);
  void carrier_gone(const PathId& path);
  bool knows(const PathId& path) const { return paths_.knows(path); }
  /// Asks for an answer on the chosen path; the handler gets the round trip, once, if the answer comes and no later
  /// call replaced it.
  void ping(std::function<void(Duration)> handler);

 private:
  Time now() const;
  crypto::SymmetricKey probe_key() const;
  void heard(const PathId& from);
  std::optional<std::uint16_t> usable_relay() const;
  void set_device_path();
  void set_inner_mtu(std::size_t mtu);
  void set_duplicate(const std::optional<PathId>& path);
  void serve_search();
  void drain();

  PeerLinkContext& context_;
  /// What a link needs of the record in the map, but for what PeerPaths has.
  std::uint64_t map_id_;
  std::string name_;
  crypto::PublicKey node_key_;
  path::NatFacts facts_;
  std::uint16_t home_relay_;
  bool online_ = false;
  wireguard::PeerId id_;
  std::unique_ptr<SearchSockets> search_sockets_;  // null: nothing was searched
  path::PeerPaths paths_;
  std::uint16_t heard_relay_ = 0;  // where the peer was heard last
  bool absent_ = false;
  std::optional<PathId> device_path_, duplicate_;
  bool was_searching_ = false;
  std::size_t inner_mtu_ = 0;
  std::vector<Endpoint> stream_remotes_;
  std::function<void(Duration)> ping_handler_;
  CoreTimer timer_;
  std::shared_ptr<PeerLink*> self_;  // for answers that may come after us; null: none is awaited
};

}  // namespace weft::agent
