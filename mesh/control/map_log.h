// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "mesh/control/message.h"

namespace weft::control {

/// How far one client is in the map stream.
struct MapCursor {
  std::uint64_t epoch = 0;
  std::uint64_t revision = 0;
  bool in_snapshot = false;
  std::uint64_t next_id = 0;  // first peer of the snapshot's next part
};

/// The coordinator's map with its history: what is new for a client costs as much as there is new, whatever the size of
/// the network. Peers are encoded once per change, and an update that many clients need is built once.
class MapLog {
 public:
  /// `epoch` is not 0 and differs from that of every earlier run.
  explicit MapLog(std::uint64_t epoch) : epoch_(epoch) {}

  void put_peer(const PeerRecord& peer);
  void remove_peer(std::uint64_t id);
  void put_relay(const RelayRecord& relay);
  void remove_relay(std::uint16_t id);
  std::uint64_t revision() const { return revision_; }
  bool up_to_date(const MapCursor& cursor) const {
    return cursor.epoch == epoch_ && !cursor.in_snapshot && cursor.revision == revision_;
  }

  /// The next update for a client at `cursor`, as an encoded message, and moves the cursor behind it; null if there is
  /// nothing new. A client from another epoch, or too far behind, gets a snapshot in parts.
  std::shared_ptr<const Bytes> next(MapCursor& cursor);

  /// Removals that are remembered; a client that missed an older one gets a snapshot.
  static constexpr std::size_t kMaxRemovals = 10'000;

 private:
  enum class Kind : std::uint8_t { peer, relay };
  using Key = std::pair<Kind, std::uint64_t>;
  struct Change {
    Key key;
    bool removed = false;
  };
  struct PeerEntry {
    Bytes encoded;
    std::uint64_t revision = 0;
  };
  struct RelayEntry {
    RelayRecord record;
    std::uint64_t revision = 0;
  };
  std::uint64_t log(std::uint64_t replaced, Key key);
  void log_removal(std::uint64_t replaced, Key key);
  void forget_removal(std::uint64_t revision);
  std::shared_ptr<const Bytes> snapshot_part(MapCursor& cursor, bool first);
  std::shared_ptr<const Bytes> changes(MapCursor& cursor);

  std::uint64_t epoch_;
  std::uint64_t revision_ = 1;
  std::uint64_t floor_ = 0;  // changes after this revision are all known
  std::map<std::uint64_t, PeerEntry> peers_;
  std::map<std::uint16_t, RelayEntry> relays_;
  std::map<std::uint64_t, Change> changes_;  // by revision, the last one of each record
  std::map<std::uint64_t, Key> removals_;    // those of changes_ that are removals
  std::map<Key, std::uint64_t> removed_at_;  // the same, by record
  struct Built {
    std::uint64_t from = 0, to = 0, reached = 0;
    std::shared_ptr<const Bytes> message;
  };
  Built last_;
};

}  // namespace weft::control
