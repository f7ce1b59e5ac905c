// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/store.h"

#include <gtest/gtest.h>

#include "mesh/coordinator/database.h"
#include "mesh/coordinator/identity.h"
#include "mesh/io/clock.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/seeded_entropy.h"

namespace weft::coordinator {
namespace {

class FixedClock final : public io::Clock {
 public:
  Time now() const override { return Time(1h); }
  WallTime wall_now() const override { return WallTime(490'000h); }
};

struct Disk {
  test::MemoryFileSystem files;
  FixedClock clock;
  test::SeededEntropy entropy{1};
  Result<std::unique_ptr<Store>> open() { return Store::open(files, clock, entropy); }
};

Node example_node(std::uint8_t fill) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(fill);
  Node node;
  node.machine_key = crypto::PublicKey(bytes);
  node.registration.node_key = crypto::PublicKey(bytes);
  node.registration.name = "wanted";
  node.name = "name-" + std::to_string(fill);
  node.ipv4 = IpAddress::v4(100, 64, 0, fill);
  node.ephemeral = true;
  node.setup_key = 3;
  node.created = WallTime(5s);
  node.last_seen = WallTime(6s);
  node.publication = {{{1, *Endpoint::parse("192.0.2.1:9")}}, {"endpoint_independent", "unknown"}, 4};
  return node;
}

TEST(Store, NodesReturnAsTheyWere) {
  Disk disk;
  {
    auto store = disk.open();
    ASSERT_TRUE(store) << store.error().message;
    Node node = example_node(7);
    node.registration.secret.emplace().fill(1);
    ASSERT_EQ((*store)->put_node(node), 1u);
    ASSERT_EQ((*store)->put_node(example_node(8)), 2u);
  }
  auto store = disk.open();
  ASSERT_TRUE(store);
  const auto nodes = (*store)->nodes();
  ASSERT_TRUE(nodes);
  ASSERT_EQ(nodes->size(), 2u);
  const Node& node = nodes->front();
  const Node wanted = example_node(7);
  EXPECT_EQ(node.machine_key, wanted.machine_key);
  EXPECT_EQ(node.name, wanted.name);
  EXPECT_EQ(node.ipv4, wanted.ipv4);
  EXPECT_EQ(node.registration.name, "wanted");
  EXPECT_FALSE(node.registration.secret);
  EXPECT_EQ(node.publication.candidates, wanted.publication.candidates);
  EXPECT_EQ(node.publication.home_relay, 4);
  EXPECT_TRUE(node.ephemeral);
  EXPECT_EQ(node.setup_key, 3u);
  EXPECT_EQ(node.created, wanted.created);
  EXPECT_EQ(node.last_seen, wanted.last_seen);
}

TEST(Store, NumbersOfRemovedNodesAreNotUsedAgain) {
  Disk disk;
  auto store = disk.open();
  ASSERT_TRUE(store);
  Node node = example_node(1);
  node.id = *(*store)->put_node(node);
  ASSERT_TRUE((*store)->remove_node(node, true));
  EXPECT_EQ((*store)->put_node(example_node(2)), 2u);
}

TEST(Store, ARemovalRemembersTheNewestKey) {
  Disk disk;
  auto store = disk.open();
  ASSERT_TRUE(store);
  ASSERT_EQ((*store)->add_key({}, hash_secret({})), 1u);
  Node node = example_node(1);
  node.id = *(*store)->put_node(node);
  EXPECT_EQ((*store)->removal_floor(node.machine_key), 0u);
  ASSERT_TRUE((*store)->remove_node(node, true));
  EXPECT_EQ((*store)->removal_floor(node.machine_key), 1u);
}

TEST(Store, SecretsAreStoredHashed) {
  Disk disk;
  auto store = disk.open();
  ASSERT_TRUE(store);
  control::SetupSecret secret;
  secret.fill(0xA7);
  ASSERT_TRUE((*store)->add_key({}, hash_secret(secret)));
  const Bytes file = disk.files.contents("coordinator.db");
  EXPECT_EQ(std::search(file.begin(), file.end(), secret.begin(), secret.end()), file.end());
  ASSERT_TRUE((*store)->find_key(hash_secret(secret)));
  EXPECT_TRUE((*store)->find_key(hash_secret(secret))->has_value());
}

TEST(Store, EqualSeedsGiveEqualFiles) {
  const auto image = [] {
    Disk disk;
    auto store = disk.open();
    static_cast<void>((*store)->put_node(example_node(1)));
    static_cast<void>((*store)->add_key({}, hash_secret({})));
    return disk.files.contents("coordinator.db");
  };
  EXPECT_FALSE(image().empty());
  EXPECT_EQ(image(), image());
}

TEST(Store, ADamagedFileIsAnErrorThatNamesTheRemedy) {
  Disk disk;
  {
    auto file = disk.files.open("coordinator.db", io::FileMode::create);
    ASSERT_TRUE((*file)->write_at(0, Bytes(8192, 0x42)));
  }
  const auto store = disk.open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::corrupt);
  EXPECT_NE(store.error().message.find("backup"), std::string::npos);
}

TEST(Store, AFileOfANewerVersionIsLeftAlone) {
  Disk disk;
  ASSERT_TRUE(disk.open());
  {
    auto file = disk.files.open("coordinator.db", io::FileMode::read_write);
    const std::uint8_t version[] = {0, 0, 0, 2};
    ASSERT_TRUE((*file)->write_at(60, version));  // user_version in the header (file format §1.3)
  }
  const Bytes before = disk.files.contents("coordinator.db");
  const auto store = disk.open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::usage);
  EXPECT_EQ(disk.files.contents("coordinator.db"), before);
}

TEST(Identity, IsMadeOnceAndKept) {
  Disk disk;
  auto store = disk.open();
  const auto made = load_or_make_identity(**store, disk.entropy, WallTime(1s));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->ula_prefix[0], 0xFD);
  store->reset();
  store = disk.open();
  const auto again = load_or_make_identity(**store, disk.entropy, WallTime(2s));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->noise, made->noise);
  EXPECT_EQ(again->admission, made->admission);
  EXPECT_EQ(again->tls, made->tls);
  EXPECT_EQ(again->ula_prefix, made->ula_prefix);
  EXPECT_EQ(again->created, made->created);
}

TEST(Identity, OfASimulationIsRefusedOnARealHost) {
  class RealEntropy final : public Entropy {
    void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), std::uint8_t{1}); }
    KeyProvenance provenance() const override { return KeyProvenance::operating_system; }
  } real;
  Disk disk;
  auto store = disk.open();
  ASSERT_TRUE(load_or_make_identity(**store, disk.entropy, WallTime(1s)));
  const auto refused = load_or_make_identity(**store, real, WallTime(1s));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::usage);
}

/// Step i puts a node, a key and a setting in one transaction; what is found must be a whole number of steps.
Result<void> work(Store& store, int step) {
  return store.transact([&]() -> Result<void> {
    if (const auto id = store.put_node(example_node(static_cast<std::uint8_t>(step))); !id)
      return std::unexpected(id.error());
    crypto::Blake2sDigest hash{};
    hash[0] = static_cast<std::uint8_t>(step);
    if (const auto id = store.add_key({}, hash); !id) return std::unexpected(id.error());
    return store.put_setting("step", Bytes(3000, static_cast<std::uint8_t>(step)));  // more than a page's room
  });
}

/// How many steps are on the disk; -1 if they are not whole.
int steps_found(Store& store) {
  const auto nodes = store.nodes();
  const auto keys = store.keys();
  const auto setting = store.setting("step");
  if (!nodes || !keys || !setting || nodes->size() != keys->size()) return -1;
  const int steps = static_cast<int>(nodes->size());
  if (steps == 0) return *setting ? -1 : 0;
  return *setting && **setting == Bytes(3000, static_cast<std::uint8_t>(steps)) ? steps : -1;
}

TEST(Store, SurvivesACrashAfterEveryOperationOfTheDisk) {
  constexpr int kSteps = 4;
  std::uint64_t total = 0;
  {
    Disk disk;
    auto store = disk.open();
    for (int step = 1; step <= kSteps; ++step) ASSERT_TRUE(work(**store, step));
    total = disk.files.operations();
  }
  ASSERT_GT(total, 50u);
  int torn_open = 0;
  for (std::uint64_t operation = 0; operation <= total; ++operation) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      SeededRandom random(seed * 1000 + operation, "crash");
      Disk disk;
      disk.files.die_after(operation);
      int acknowledged = 0;
      if (auto store = disk.open()) {
        while (acknowledged < kSteps && work(**store, acknowledged + 1)) ++acknowledged;
      } else {
        ++torn_open;
      }
      disk.files.crash(random);
      auto store = disk.open();
      ASSERT_TRUE(store) << "operation " << operation << " seed " << seed << ": " << store.error().message;
      const int found = steps_found(**store);
      ASSERT_TRUE(found == acknowledged || found == acknowledged + 1)
          << "operation " << operation << " seed " << seed << ": " << acknowledged << " acknowledged, " << found
          << " found";
      ASSERT_TRUE(work(**store, found + 1));
    }
  }
  EXPECT_GT(torn_open, 0);
}

}  // namespace
}  // namespace weft::coordinator
