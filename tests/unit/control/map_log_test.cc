// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/map_log.h"

#include <gtest/gtest.h>

#include <set>

#include "mesh/base/random.h"
#include "tests/unit/control/examples.h"

namespace weft::control {
namespace {

/// A client as simple as can be.
struct Replica {
  MapCursor cursor;
  std::map<std::uint64_t, PeerRecord> peers;
  std::map<std::uint64_t, RelayRecord> relays;
  int updates = 0;
  std::size_t records = 0;

  void catch_up(MapLog& log) {
    while (const auto bytes = log.next(cursor)) {
      const auto message = parse_message(*bytes);
      ASSERT_TRUE(message);
      const auto& update = std::get<MapUpdate>(*message);
      ++updates;
      records += update.peers.size();
      if (update.reset) {
        peers.clear();
        relays.clear();
      }
      for (const auto& peer : update.peers) peers[peer.id] = peer;
      for (const auto id : update.removed_peers) peers.erase(id);
      for (const auto& relay : update.relays) relays[relay.id] = relay;
      for (const auto id : update.removed_relays) relays.erase(id);
    }
  }
};

TEST(MapLog, NewClientGetsASnapshotInPartsOfAtMost256Peers) {
  MapLog log(1);
  for (std::uint64_t id = 1; id <= 600; ++id) log.put_peer(test_peer(id));
  Replica replica;
  replica.catch_up(log);
  EXPECT_EQ(replica.updates, 3);
  EXPECT_EQ(replica.peers.size(), 600u);
  EXPECT_TRUE(log.up_to_date(replica.cursor));
}

TEST(MapLog, AChangeCostsOneRecordWhateverTheSize) {
  MapLog log(1);
  for (std::uint64_t id = 1; id <= 600; ++id) log.put_peer(test_peer(id));
  Replica replica;
  replica.catch_up(log);
  replica.records = replica.updates = 0;
  auto changed = test_peer(300);
  changed.name = "renamed";
  log.put_peer(changed);
  replica.catch_up(log);
  EXPECT_EQ(replica.updates, 1);
  EXPECT_EQ(replica.records, 1u);
  EXPECT_EQ(replica.peers[300].name, "renamed");
}

TEST(MapLog, ManyChangesOfOneRecordAreSentOnce) {
  MapLog log(1);
  Replica replica;
  replica.catch_up(log);
  for (int i = 0; i < 100; ++i) log.put_peer(test_peer(5));
  replica.records = 0;
  replica.catch_up(log);
  EXPECT_EQ(replica.records, 1u);
}

TEST(MapLog, ClientsAtTheSamePlaceShareOneMessage) {
  MapLog log(1);
  Replica a, b;
  a.catch_up(log);
  b.catch_up(log);
  log.put_peer(test_peer(1));
  EXPECT_EQ(log.next(a.cursor).get(), log.next(b.cursor).get());
}

TEST(MapLog, AnotherEpochOrARevisionFromTheFutureMeansASnapshot) {
  MapLog log(2);
  log.put_peer(test_peer(1));
  Replica other;
  other.cursor = {1, log.revision(), false, 0};
  other.catch_up(log);
  EXPECT_EQ(other.peers.size(), 1u);
  Replica future;
  future.cursor = {2, 1'000'000, false, 0};
  future.catch_up(log);
  EXPECT_EQ(future.peers.size(), 1u);
}

TEST(MapLog, ForgottenRemovalsMeanASnapshot) {
  MapLog log(1);
  log.put_peer(test_peer(1));
  Replica replica;
  replica.catch_up(log);
  log.remove_peer(1);
  for (std::uint64_t id = 2; id < 2 + MapLog::kMaxRemovals; ++id) {
    log.put_peer(test_peer(id));
    log.remove_peer(id);
  }
  replica.catch_up(log);
  EXPECT_TRUE(replica.peers.empty());
}

TEST(MapLog, AnyInterleavingOfChangesAndUpdatesConverges) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed, "map log");
    MapLog log(1);
    std::set<std::uint64_t> present;
    Replica replicas[3];
    for (int step = 0; step < 1500; ++step) {
      const std::uint64_t id = 1 + random.below(900);
      if (random.chance(1, 4)) {
        log.remove_peer(id);
        present.erase(id);
      } else {
        log.put_peer(test_peer(id));
        present.insert(id);
      }
      if (random.chance(1, 50)) log.put_relay(test_relay(static_cast<std::uint16_t>(1 + random.below(5))));
      if (random.chance(1, 70)) log.remove_relay(static_cast<std::uint16_t>(1 + random.below(5)));
      // One replica takes single updates in the midst of changes, one seldom, one at the end.
      if (random.chance(1, 3)) {
        MapCursor& cursor = replicas[0].cursor;
        if (const auto bytes = log.next(cursor)) {
          const auto message = parse_message(*bytes);
          ASSERT_TRUE(message);
          const auto& update = std::get<MapUpdate>(*message);
          if (update.reset) replicas[0].peers.clear();
          for (const auto& peer : update.peers) replicas[0].peers[peer.id] = peer;
          for (const auto gone : update.removed_peers) replicas[0].peers.erase(gone);
        }
      }
      if (random.chance(1, 400)) replicas[1].catch_up(log);
    }
    for (Replica& replica : replicas) {
      replica.catch_up(log);
      std::set<std::uint64_t> held;
      for (const auto& [id, peer] : replica.peers) held.insert(id);
      EXPECT_EQ(held, present) << "seed " << seed;
    }
    EXPECT_EQ(replicas[1].relays, replicas[2].relays);
  }
}

}  // namespace
}  // namespace weft::control
