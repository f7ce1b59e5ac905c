// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/peer_table.h"

#include <algorithm>

namespace weft::agent {
namespace {

template <typename Key>
PeerLink* find_in(const std::map<Key, PeerLink*>& index, const Key& key) {
  const auto found = index.find(key);
  return found == index.end() ? nullptr : found->second;
}

}  // namespace

void PeerTable::apply(const control::NetworkMap& map) {
  std::vector<std::uint64_t> gone;
  for (const auto& [id, link] : links_) {
    if (!map.peers.contains(id)) gone.push_back(id);
  }
  for (const auto id : gone) drop(id);
  for (const auto& [id, record] : map.peers) put(record);
}

void PeerTable::apply(const control::NetworkMap& map, std::uint64_t id) {
  const auto record = map.peers.find(id);
  if (record == map.peers.end()) {
    drop(id);
  } else {
    put(record->second);
  }
}

void PeerTable::put(const control::PeerRecord& record) {
  const auto found = links_.find(record.id);
  if (found != links_.end() && found->second->record().node_key == record.node_key) {
    if (found->second->record() == record) return;
    routes_changed_ = routes_changed_ || found->second->record().addresses != record.addresses;
    found->second->update(record);
    return;
  }
  drop(record.id);
  auto link = PeerLink::make(context_, record);
  if (!link) return;
  by_peer_[link->id()] = link.get();
  by_key_[record.node_key] = link.get();
  by_key_id_[link->key_id()] = link.get();
  routes_changed_ = true;
  links_[record.id] = std::move(link);
}

void PeerTable::drop(std::uint64_t id) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  by_peer_.erase(found->second->id());
  by_key_.erase(found->second->record().node_key);
  by_key_id_.erase(found->second->key_id());
  routes_changed_ = true;
  links_.erase(found);
}

PeerLink* PeerTable::by_peer(wireguard::PeerId id) const { return find_in(by_peer_, id); }
PeerLink* PeerTable::by_key(const crypto::PublicKey& key) const { return find_in(by_key_, key); }
PeerLink* PeerTable::by_key_id(const path::KeyId& id) const { return find_in(by_key_id_, id); }

PeerLink* PeerTable::by_direct_path(const PathId& path) const {
  for (const auto& [id, link] : links_) {
    const auto is_source = [&](const auto& candidate) { return candidate.endpoint == path.remote; };
    if (link->status().chosen == path || std::ranges::any_of(link->record().candidates, is_source)) return link.get();
  }
  return nullptr;
}

PeerLink* PeerTable::by_text(const std::string& text) const {
  const auto address = IpAddress::parse(text);
  for (const auto& [id, link] : links_) {
    const auto& record = link->record();
    if (record.name == text) return link.get();
    if (address && std::find(record.addresses.begin(), record.addresses.end(), *address) != record.addresses.end()) {
      return link.get();
    }
  }
  return nullptr;
}

std::vector<Prefix> PeerTable::routes() const {
  std::vector<Prefix> routes;
  for (const auto& [id, link] : links_) {
    for (const auto& address : link->record().addresses) routes.push_back(Prefix::host(address));
  }
  return routes;
}

void PeerTable::too_big(const PathId& path, std::uint32_t mtu) {
  for (const auto& [id, link] : links_) link->too_big(path, mtu);
}

void PeerTable::local_changed() {
  for (const auto& [id, link] : links_) link->local_changed();
}

void PeerTable::sockets_moved(const std::vector<std::uint16_t>& sockets) {
  for (const auto& [id, link] : links_) link->sockets_moved(sockets);
}

void PeerTable::relay_changed() {
  for (const auto& [id, link] : links_) link->relay_changed();
}

void PeerTable::stream_opened(const PathId& path) {
  for (const auto& [id, link] : links_) link->stream_opened(path);
}

void PeerTable::stream_candidates_changed() {
  for (const auto& [id, link] : links_) link->stream_candidates_changed();
}

void PeerTable::signalling_changed() {
  for (const auto& [id, link] : links_) link->signalling_changed();
}

}  // namespace weft::agent
