// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/map_log.h"

#include "mesh/base/assert.h"

namespace weft::control {

void MapLog::put_peer(const PeerRecord& peer) {
  PeerEntry& entry = peers_[peer.id];
  entry.encoded = encode_peer(peer);
  entry.revision = log(entry.revision, {Kind::peer, peer.id});
}

void MapLog::remove_peer(std::uint64_t id) {
  const auto found = peers_.find(id);
  if (found == peers_.end()) return;
  log_removal(found->second.revision, {Kind::peer, id});
  peers_.erase(found);
}

void MapLog::put_relay(const RelayRecord& relay) {
  RelayEntry& entry = relays_[relay.id];
  entry.record = relay;
  entry.revision = log(entry.revision, {Kind::relay, relay.id});
}

void MapLog::remove_relay(std::uint16_t id) {
  const auto found = relays_.find(id);
  if (found == relays_.end()) return;
  log_removal(found->second.revision, {Kind::relay, id});
  relays_.erase(found);
}

std::uint64_t MapLog::log(std::uint64_t replaced, Key key) {
  changes_.erase(replaced);
  if (const auto removed = removed_at_.find(key); removed != removed_at_.end()) forget_removal(removed->second);
  changes_[++revision_] = {key, false};
  return revision_;
}

void MapLog::log_removal(std::uint64_t replaced, Key key) {
  changes_.erase(replaced);
  changes_[++revision_] = {key, true};
  removals_[revision_] = key;
  removed_at_[key] = revision_;
  if (removals_.size() <= kMaxRemovals) return;
  floor_ = removals_.begin()->first;
  forget_removal(floor_);
}

void MapLog::forget_removal(std::uint64_t revision) {
  removed_at_.erase(removals_.at(revision));
  removals_.erase(revision);
  changes_.erase(revision);
}

std::shared_ptr<const Bytes> MapLog::next(MapCursor& cursor) {
  const bool known = cursor.epoch == epoch_ && cursor.revision >= floor_ && cursor.revision <= revision_;
  if (!known) {
    cursor = {epoch_, revision_, true, 0};
    return snapshot_part(cursor, true);
  }
  if (cursor.in_snapshot) return snapshot_part(cursor, false);
  return cursor.revision == revision_ ? nullptr : changes(cursor);
}

std::shared_ptr<const Bytes> MapLog::snapshot_part(MapCursor& cursor, bool first) {
  EncodedMapUpdate update{.epoch = epoch_, .revision = cursor.revision, .reset = first};
  auto peer = peers_.lower_bound(cursor.next_id);
  for (; peer != peers_.end() && update.peers.size() < kMaxPeersPerUpdate; ++peer) {
    update.peers.push_back({&peer->second.encoded});
    cursor.next_id = peer->first + 1;
  }
  if (first) {
    for (const auto& [id, relay] : relays_) update.relays.push_back(relay.record);
  }
  update.complete = peer == peers_.end();
  cursor.in_snapshot = !update.complete;
  return std::make_shared<const Bytes>(encode(update));
}

std::shared_ptr<const Bytes> MapLog::changes(MapCursor& cursor) {
  if (last_.message && last_.from == cursor.revision && last_.to == revision_) {
    cursor.revision = last_.reached;
    return last_.message;
  }
  EncodedMapUpdate update{.epoch = epoch_, .revision = revision_};
  std::size_t count = 0;
  auto at = changes_.upper_bound(cursor.revision);
  for (; at != changes_.end() && count < kMaxPeersPerUpdate; ++at, ++count) {
    const auto& [revision, change] = *at;
    update.revision = revision;
    const auto [kind, id] = change.key;
    if (change.removed) {
      (kind == Kind::peer ? update.removed_peers : update.removed_relays).push_back(id);
    } else if (kind == Kind::peer) {
      update.peers.push_back({&peers_.at(id).encoded});
    } else {
      update.relays.push_back(relays_.at(static_cast<std::uint16_t>(id)).record);
    }
  }
  update.complete = at == changes_.end();
  if (update.complete) update.revision = revision_;
  last_ = {cursor.revision, revision_, update.revision, std::make_shared<const Bytes>(encode(update))};
  cursor.revision = update.revision;
  return last_.message;
}

}  // namespace weft::control
