// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "mesh/agent/peer_link.h"

namespace weft::agent {

/// The links to all peers of the network map, found by any of their names.
class PeerTable {
 public:
  explicit PeerTable(PeerLinkContext context) : context_(std::move(context)) {}

  /// Makes, changes and removes links so that they are those of `map`.
  void apply(const control::NetworkMap& map);
  /// The same for one record.
  void apply(const control::NetworkMap& map, std::uint64_t id);

  PeerLink* by_peer(wireguard::PeerId id) const;
  PeerLink* by_key(const crypto::PublicKey& key) const;
  PeerLink* by_key_id(const path::KeyId& id) const;
  /// The peer whose data goes by that direct path, or that publishes its remote address, perhaps of another family.
  PeerLink* by_direct_path(const PathId& path) const;
  /// By name or overlay address.
  PeerLink* by_text(const std::string& text) const;
  const std::map<std::uint64_t, std::unique_ptr<PeerLink>>& links() const { return links_; }
  /// Host prefixes of all peers' overlay addresses.
  std::vector<Prefix> routes() const;
  /// Whether routes() gives others than at the last call of this: most changes of a map change none.
  bool take_routes_changed() { return std::exchange(routes_changed_, false); }

  /// Whether some path has less room than the TUN device's MTU.
  bool any_narrow() const { return context_.narrow > 0; }
  /// ICMP says that a datagram to `path` was too big for a link of `mtu` bytes.
  void too_big(const PathId& path, std::uint32_t mtu);

  void local_changed();
  void sockets_moved(const std::vector<std::uint16_t>& sockets);
  void relay_changed();
  void stream_opened(const PathId& path);
  void stream_candidates_changed();
  void signalling_changed();

 private:
  void put(const control::PeerRecord& record);
  void drop(std::uint64_t id);

  PeerLinkContext context_;
  std::map<std::uint64_t, std::unique_ptr<PeerLink>> links_;
  std::map<wireguard::PeerId, PeerLink*> by_peer_;
  std::map<crypto::PublicKey, PeerLink*> by_key_;
  std::map<path::KeyId, PeerLink*> by_key_id_;
  bool routes_changed_ = false;
};

}  // namespace weft::agent
