// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/peer_table.h"

#include <algorithm>

#include "mesh/io/clock.h"
#include "mesh/io/stream.h"

namespace weft::agent {
namespace {

template <typename Key>
PeerTable::Entry* find_in(const FlatMap<Key, PeerTable::Entry*>& index, const Key& key) {
  PeerTable::Entry* const* const found = index.find(key);
  return found == nullptr ? nullptr : *found;
}

/// Only those that can be the peer's: the host part of an IPv6 address is the beginning of BLAKE2s(node key), so not
/// even the coordinator can give one node's IPv6 address to another (mechanisms.md 8).
std::vector<Prefix> host_prefixes(const std::vector<IpAddress>& addresses, const crypto::PublicKey& node_key) {
  std::vector<Prefix> prefixes;
  const auto id = path::key_id(node_key);
  for (const auto& address : addresses) {
    if (address.is_v6() && !std::equal(id.begin(), id.end(), address.bytes().begin() + 8)) continue;
    prefixes.push_back(Prefix::host(address));
  }
  return prefixes;
}

}  // namespace

void PeerTable::set_hub(const std::string& hub, const std::vector<Prefix>& beyond) {
  hub_ = hub;
  beyond_ = beyond;
}

void PeerTable::apply(const control::NetworkMap& map) {
  std::vector<std::uint64_t> gone;
  for (const auto& [id, entry] : entries_) {
    if (!map.peers.contains(id)) gone.push_back(id);
  }
  for (const auto& [id, addresses] : behind_hub_) {
    if (!map.peers.contains(id)) gone.push_back(id);
  }
  for (const auto id : gone) put_or_drop(map, id);
  for (const auto& [id, record] : map.peers) put_or_drop(map, id);
  lead_through_hub();
}

void PeerTable::apply(const control::NetworkMap& map, std::span<const std::uint64_t> ids) {
  for (const auto id : ids) put_or_drop(map, id);
  lead_through_hub();
}

void PeerTable::put_or_drop(const control::NetworkMap& map, std::uint64_t id) {
  const auto record = map.peers.find(id);
  const bool there = record != map.peers.end();
  const bool own_entry = there && (hub_.empty() || record->second.name == hub_);
  own_entry ? put(record->second) : drop(id);
  const auto behind = behind_hub_.find(id);
  if (own_entry || !there) {
    if (behind == behind_hub_.end()) return;
    behind_hub_.erase(behind);
  } else {
    if (behind != behind_hub_.end() && behind->second == record->second.addresses) return;
    behind_hub_[id] = record->second.addresses;
  }
  routes_changed_ = true;
}

/// Of a spoke: its one entry leads to all that has none.
void PeerTable::lead_through_hub() {
  if (hub_.empty() || !routes_changed_ || entries_.empty()) return;
  const Entry& hub = entries_.begin()->second;
  std::vector<Prefix> prefixes = prefixes_behind_hub();
  for (const auto& own : host_prefixes(hub.addresses, hub.node_key)) prefixes.push_back(own);
  context_.device.set_allowed_ips(hub.device_id, prefixes);
}

std::vector<Prefix> PeerTable::prefixes_behind_hub() const {
  std::vector<Prefix> prefixes = beyond_;
  for (const auto& [id, addresses] : behind_hub_) {
    for (const auto& address : addresses) prefixes.push_back(Prefix::host(address));
  }
  return prefixes;
}

void PeerTable::put(const control::PeerRecord& record) {
  const auto found = entries_.find(record.id);
  if (found != entries_.end() && found->second.node_key == record.node_key) return change(found->second, record);
  drop(record.id);
  add(record);
}

void PeerTable::add(const control::PeerRecord& record) {
  const auto device_id = context_.device.add_peer(context_.host.clock().now(),
                                                  {.public_key = record.node_key,
                                                   .preshared_key = {},
                                                   .allowed_ips = host_prefixes(record.addresses, record.node_key),
                                                   .path = {}});
  if (!device_id) return;
  Entry& entry = entries_[record.id];
  entry = {.id = record.id, .device_id = *device_id, .node_key = record.node_key, .addresses = record.addresses};
  by_device_id_.put(*device_id, &entry);
  by_key_id_.put(path::key_id(record.node_key), &entry);
  routes_changed_ = true;
  set_relay(entry, record.home_relay);
}

void PeerTable::change(Entry& entry, const control::PeerRecord& record) {
  if (entry.addresses != record.addresses) {
    routes_changed_ = true;
    entry.addresses = record.addresses;
    context_.device.set_allowed_ips(entry.device_id, host_prefixes(record.addresses, record.node_key));
  }
  if (!entry.link) return set_relay(entry, record.home_relay);
  entry.home_relay = record.home_relay;
  if (entry.link->is_news(record)) entry.link->update(record);
}

void PeerTable::drop(std::uint64_t id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  by_device_id_.erase(entry.device_id);
  by_key_id_.erase(path::key_id(entry.node_key));
  links_.erase(id);
  entry.link.reset();
  context_.device.remove_peer(entry.device_id);
  routes_changed_ = true;
  entries_.erase(found);
}

/// The way of a peer without a link, so that its first packet goes out at once.
void PeerTable::set_relay(Entry& entry, std::uint16_t home_relay) {
  if (entry.home_relay == home_relay) return;
  entry.home_relay = home_relay;
  const auto way =
      home_relay == 0 ? std::nullopt : std::optional(PathId{.socket = 0, .relay = home_relay, .remote = {}});
  context_.device.set_path(context_.host.clock().now(), entry.device_id, way);
}

PeerLink* PeerTable::link(Entry* entry) {
  if (entry == nullptr || entry->link) return entry ? entry->link.get() : nullptr;
  const control::PeerRecord* const record = context_.record(entry->id);
  if (record == nullptr || record->node_key != entry->node_key) return nullptr;  // a change is on its way to us
  entry->link = std::make_unique<PeerLink>(context_, *record, entry->device_id);
  links_.put(entry->id, entry->link.get());
  entry->link->update(*record);
  return entry->link.get();
}

PeerTable::Entry* PeerTable::entry_of(const crypto::PublicKey& key) const {
  const auto id = context_.device.find_peer(key);
  return id ? find_in(by_device_id_, *id) : nullptr;
}

PeerLink* PeerTable::link(wireguard::PeerId id) { return link(find_in(by_device_id_, id)); }
PeerLink* PeerTable::link_by_key(const crypto::PublicKey& key) { return link(entry_of(key)); }
PeerLink* PeerTable::link_by_key_id(const path::KeyId& id) { return link(find_in(by_key_id_, id)); }

PeerLink* PeerTable::link_by_id(std::uint64_t id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : link(&found->second);
}

PeerLink* PeerTable::link_by_direct_path(const control::NetworkMap& map, const PathId& path) {
  for (const auto& [id, link] : links_) {
    if (link->status().chosen == path) return link;
  }
  for (const auto& [id, record] : map.peers) {
    const auto is_source = [&](const auto& candidate) { return candidate.endpoint == path.remote; };
    if (std::ranges::any_of(record.candidates, is_source)) return link_by_id(id);
  }
  return nullptr;
}

const PeerTable::Entry* PeerTable::entry(wireguard::PeerId id) const { return find_in(by_device_id_, id); }

PeerLink* PeerTable::find(wireguard::PeerId id) const {
  const auto* const found = entry(id);
  return found ? found->link.get() : nullptr;
}

PeerLink* PeerTable::find_by_key(const crypto::PublicKey& key) const {
  const auto* const found = entry_of(key);
  return found ? found->link.get() : nullptr;
}

PeerLink* PeerTable::find_by_key_id(const path::KeyId& id) const {
  const auto* const found = find_in(by_key_id_, id);
  return found ? found->link.get() : nullptr;
}

path::PathStatus PeerTable::status(const Entry& entry) const {
  return entry.link ? entry.link->status() : PeerLink::first_status(context_, entry.home_relay);
}

std::vector<Prefix> PeerTable::routes() const {
  std::vector<Prefix> routes = prefixes_behind_hub();
  for (const auto& [id, entry] : entries_) {
    for (const auto& address : entry.addresses) routes.push_back(Prefix::host(address));
  }
  return routes;
}

/// What a link does may make another.
template <typename Call>
void PeerTable::each_link(Call call) {
  std::vector<PeerLink*> now;
  now.reserve(links_.size());
  for (const auto& [id, link] : links_) now.push_back(link);
  for (PeerLink* const link : now) call(*link);
}

void PeerTable::too_big(const PathId& path, std::uint32_t mtu) {
  each_link([&](PeerLink& link) { link.too_big(path, mtu); });
}

void PeerTable::local_changed() {
  each_link([](PeerLink& link) { link.local_changed(); });
}

void PeerTable::sockets_moved(const std::vector<std::uint16_t>& sockets) {
  each_link([&](PeerLink& link) { link.sockets_moved(sockets); });
}

void PeerTable::relay_changed() {
  each_link([](PeerLink& link) { link.relay_changed(); });
}

void PeerTable::stream_opened(const PathId& path) {
  each_link([&](PeerLink& link) { link.stream_opened(path); });
}

void PeerTable::stream_candidates_changed() {
  each_link([](PeerLink& link) { link.stream_candidates_changed(); });
}

void PeerTable::signalling_changed() {
  each_link([](PeerLink& link) { link.signalling_changed(); });
}

}  // namespace weft::agent
