// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/simulated_files.h"

#include <gtest/gtest.h>

#include <set>

#include "mesh/io/state_store.h"

namespace weft::fabric {
namespace {

Bytes content(SimulatedFiles& files, const std::string& name) {
  auto file = files.open(name, io::FileMode::read_only);
  if (!file) return {};
  Bytes out(*(*file)->size());
  EXPECT_TRUE((*file)->read_at(0, out));
  return out;
}

void crash(SimulatedFiles& files) {
  files.crash();
  files.recover();
}

TEST(SimulatedFiles, SyncedDataSurvivesACrash) {
  for (const CrashMode mode : {CrashMode::lose, CrashMode::tear, CrashMode::keep}) {
    SimulatedFiles files(1, "host");
    files.set_crash_mode(mode);
    {
      auto file = *files.open("data", io::FileMode::create);
      ASSERT_TRUE(file->write_at(0, Bytes{1, 2, 3}));
      ASSERT_TRUE(file->sync());
    }
    ASSERT_TRUE(files.sync_directory());
    crash(files);
    EXPECT_EQ(content(files, "data"), (Bytes{1, 2, 3}));
  }
}

TEST(SimulatedFiles, UnsyncedDataIsLost) {
  SimulatedFiles files(1, "host");
  files.set_crash_mode(CrashMode::lose);
  auto file = *files.open("data", io::FileMode::create);
  ASSERT_TRUE(files.sync_directory());
  ASSERT_TRUE(file->write_at(0, Bytes{1, 2, 3}));
  auto other = *files.open("never-linked", io::FileMode::create);
  ASSERT_TRUE(other->sync());
  crash(files);
  EXPECT_EQ(content(files, "data"), Bytes{});
  EXPECT_FALSE(files.exists("never-linked"));
}

TEST(SimulatedFiles, UnsyncedDataIsTornBySectors) {
  std::set<Bytes> outcomes;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SimulatedFiles files(seed, "host");
    auto file = *files.open("data", io::FileMode::create);
    ASSERT_TRUE(file->write_at(0, Bytes(1'024, 1)));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(files.sync_directory());
    ASSERT_TRUE(file->write_at(0, Bytes(1'024, 2)));
    crash(files);
    const Bytes left = content(files, "data");
    ASSERT_EQ(left.size(), 1'024u);
    outcomes.insert({left.front(), left.back()});
  }
  EXPECT_EQ(outcomes, (std::set<Bytes>{{1, 1}, {1, 2}, {2, 1}, {2, 2}}));
}

TEST(SimulatedFiles, HandlesOfAnEarlierLifeAreDead) {
  SimulatedFiles files(1, "host");
  auto file = *files.open("data", io::FileMode::create);
  ASSERT_TRUE(file->lock());
  ASSERT_TRUE(files.sync_directory());
  files.crash();
  EXPECT_FALSE(file->write_at(0, Bytes{1}));
  EXPECT_FALSE(files.open("data", io::FileMode::create));
  files.recover();
  EXPECT_FALSE(file->write_at(0, Bytes{1}));
  auto again = files.open("data", io::FileMode::read_write);
  ASSERT_TRUE(again);
  EXPECT_TRUE((*again)->lock());
}

TEST(SimulatedFiles, FullDiskRefusesWritesAndKeepsWhatIsThere) {
  SimulatedFiles files(1, "host");
  io::StateStore store(files);
  ASSERT_TRUE(store.put("key", Bytes{1}));
  files.set_full(true);
  EXPECT_FALSE(store.put("key", Bytes{2}));
  EXPECT_EQ(**store.get("key"), Bytes{1});
}

/// The promise of io::StateStore, on a disk that tears: the value before or the value after, never a mixture.
TEST(SimulatedFiles, StateStoreValueIsOldOrNewAfterACrashAnywhere) {
  const Bytes before(2'000, 1), after(3'000, 2);
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SimulatedFiles files(seed, "host");
    io::StateStore store(files);
    ASSERT_TRUE(store.put("key", before));
    auto fresh = *files.open("key.new", io::FileMode::create);  // what put() does, cut off at each step in turn
    ASSERT_TRUE(fresh->write_at(0, after));
    if (seed % 4 > 0) {
      ASSERT_TRUE(fresh->sync());
    }
    if (seed % 4 > 1) {
      ASSERT_TRUE(files.rename("key.new", "key"));
    }
    if (seed % 4 > 2) {
      ASSERT_TRUE(files.sync_directory());
    }
    crash(files);
    const auto value = store.get("key");
    ASSERT_TRUE(value && *value) << "seed " << seed;
    EXPECT_TRUE(**value == before || **value == after) << "seed " << seed;
    sizes.insert((*value)->size());
  }
  EXPECT_EQ(sizes.size(), 2u);
}

}  // namespace
}  // namespace weft::fabric
