// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mesh/agent/peer_link.h"
#include "mesh/base/flat_map.h"

namespace weft::agent {

/// All peers of the network map: each is known to the WireGuard device, and those that somebody has spoken to have a
/// link besides. Most peers of a large network never are, so what costs memory, timers and work when anything changes
/// is made at the first packet, probe or question. `link…` makes a link, `find…` looks for one; both give null if there
/// is none (for link: the map has no such peer).
class PeerTable {
 public:
  /// What the device and the routes need of a peer.
  struct Entry {
    std::uint64_t id = 0;  // in the map
    wireguard::PeerId device_id = 0;
    crypto::PublicKey node_key;
    std::vector<IpAddress> addresses;
    std::uint16_t home_relay = 0;
    std::unique_ptr<PeerLink> link = {};  // null: not spoken to
  };

  explicit PeerTable(PeerLinkContext context) : context_(std::move(context)) {}

  /// From the next apply() on only the hub has an entry, which leads to all other peers and to `beyond`; empty: each
  /// peer has its own.
  void set_hub(const std::string& hub, const std::vector<Prefix>& beyond);
  /// Makes, changes and removes entries so that they are those of `map`.
  void apply(const control::NetworkMap& map);
  /// The same for some records.
  void apply(const control::NetworkMap& map, std::span<const std::uint64_t> ids);

  PeerLink* link(wireguard::PeerId id);
  PeerLink* link_by_key(const crypto::PublicKey& key);
  PeerLink* link_by_key_id(const path::KeyId& id);
  PeerLink* link_by_id(std::uint64_t id);
  /// The peer whose data goes by that direct path, or that publishes its remote address, perhaps of another family.
  PeerLink* link_by_direct_path(const control::NetworkMap& map, const PathId& path);

  PeerLink* find(wireguard::PeerId id) const;
  PeerLink* find_by_key(const crypto::PublicKey& key) const;
  PeerLink* find_by_key_id(const path::KeyId& id) const;
  /// Null if the device does not know the peer.
  const Entry* entry(wireguard::PeerId id) const;

  /// By number in the map.
  const std::map<std::uint64_t, Entry>& entries() const { return entries_; }
  /// That of its link, or what it would be at first.
  path::PathStatus status(const Entry& entry) const;
  /// Host prefixes of all peers' overlay addresses, and what is beyond the hub.
  std::vector<Prefix> routes() const;
  /// Whether routes() gives others than at the last call of this: most changes of a map change none.
  bool take_routes_changed() { return std::exchange(routes_changed_, false); }

  /// Whether some path has less room than the TUN device's MTU.
  bool any_narrow() const { return context_.narrow > 0; }
  bool any_duplicating() const { return context_.duplicating > 0; }
  /// ICMP says that a datagram to `path` was too big for a link of `mtu` bytes.
  void too_big(const PathId& path, std::uint32_t mtu);

  void local_changed();
  void sockets_moved(const std::vector<std::uint16_t>& sockets);
  void relay_changed();
  void stream_opened(const PathId& path);
  void stream_candidates_changed();
  void signalling_changed();

 private:
  void put_or_drop(const control::NetworkMap& map, std::uint64_t id);
  void lead_through_hub();
  std::vector<Prefix> prefixes_behind_hub() const;
  void put(const control::PeerRecord& record);
  void add(const control::PeerRecord& record);
  void change(Entry& entry, const control::PeerRecord& record);
  void drop(std::uint64_t id);
  void set_relay(Entry& entry, std::uint16_t home_relay);
  PeerLink* link(Entry* entry);
  Entry* entry_of(const crypto::PublicKey& key) const;
  template <typename Call>
  void each_link(Call call);

  PeerLinkContext context_;
  std::map<std::uint64_t, Entry> entries_;
  FlatMap<wireguard::PeerId, Entry*> by_device_id_;
  FlatMap<path::KeyId, Entry*> by_key_id_;
  FlatMap<std::uint64_t, PeerLink*> links_;  // those that there are, by number in the map
  bool routes_changed_ = false;
  std::string hub_;  // of a spoke; entries_ then has the hub alone
  std::vector<Prefix> beyond_;
  std::map<std::uint64_t, std::vector<IpAddress>> behind_hub_;  // of the other peers, by number in the map
};

}  // namespace weft::agent
