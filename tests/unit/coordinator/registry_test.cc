// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/registry.h"

#include <gtest/gtest.h>

#include "mesh/io/clock.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/seeded_entropy.h"

namespace weft::coordinator {
namespace {

using control::Registration;
using control::Role;

template <typename Key>
Key key_of(std::uint32_t number) {
  std::array<std::uint8_t, 32> bytes{};
  store_u32be(bytes.data(), number);
  return Key(bytes);
}

class StillClock final : public io::Clock {
 public:
  Time now() const override { return Time(1h); }
  WallTime wall_now() const override { return WallTime(490'000h); }
};

struct World {
  test::MemoryFileSystem files;
  StillClock clock;
  test::SeededEntropy entropy{1};
  std::unique_ptr<Store> store;
  std::unique_ptr<Registry> registry;
  WallTime now{490'000h};
  std::uint8_t secrets = 0;

  World() { open(); }
  void open() {
    registry.reset();
    store.reset();
    store = std::move(*Store::open(files, clock, entropy));
    registry = std::make_unique<Registry>(*store, AddressPool({0xFD, 1, 2, 3, 4, 5}), 1, KeyProvenance::simulated);
    EXPECT_TRUE(registry->load());
  }

  control::SetupSecret make_key(const KeyOptions& options = {}) {
    control::SetupSecret secret;
    secret.fill(++secrets);
    EXPECT_TRUE(store->add_key({.options = options, .created = now}, hash_secret(secret)));
    return secret;
  }

  static Registration as(std::uint32_t node, std::optional<control::SetupSecret> secret, std::string name = "host") {
    Registration registration;
    registration.node_key = key_of<crypto::PublicKey>(1000 + node);
    registration.name = std::move(name);
    registration.secret = secret;
    return registration;
  }
  Result<std::uint64_t> join(std::uint32_t machine, const Registration& registration) {
    return registry->join(key_of<crypto::PublicKey>(machine), registration, now);
  }
  ErrorCode refusal(std::uint32_t machine, const Registration& registration) {
    const auto joined = join(machine, registration);
    EXPECT_FALSE(joined);
    return joined ? ErrorCode::internal : joined.error().code;
  }
  std::size_t peers_in_map() {
    control::MapCursor cursor;
    std::set<std::uint64_t> ids;
    while (const auto bytes = registry->log().next(cursor)) {
      const auto update = std::get<control::MapUpdate>(*control::parse_message(*bytes));
      for (const auto& peer : update.peers) ids.insert(peer.id);
    }
    return ids.size();
  }
};

TEST(Registry, AOneOffKeyLetsOneMachineInAndThatOneAgain) {
  World world;
  const auto secret = world.make_key();
  const auto id = world.join(1, World::as(1, secret));
  ASSERT_TRUE(id);
  EXPECT_EQ(world.join(1, World::as(1, secret)), *id);  // the answer was lost: redemption is idempotent
  EXPECT_EQ(world.refusal(2, World::as(2, secret)), ErrorCode::key_expired_or_used);
  EXPECT_EQ(world.join(1, World::as(1, {})), *id);
}

TEST(Registry, AReusableKeyLetsManyIn) {
  World world;
  const auto secret = world.make_key({.reusable = true});
  for (std::uint32_t machine = 1; machine <= 5; ++machine) EXPECT_TRUE(world.join(machine, World::as(machine, secret)));
  EXPECT_EQ((*world.store->keys())[0].uses, 5u);
}

TEST(Registry, ExpiredRevokedAndUnknownKeysAreRefused) {
  World world;
  const auto short_lived = world.make_key({.reusable = true, .lifetime = 1h});
  ASSERT_TRUE(world.join(1, World::as(1, short_lived)));
  world.now += 1h;
  EXPECT_EQ(world.refusal(2, World::as(2, short_lived)), ErrorCode::key_expired_or_used);
  EXPECT_TRUE(world.join(1, World::as(1, short_lived)));  // those inside stay
  const auto revoked = world.make_key({.reusable = true});
  ASSERT_EQ(world.store->revoke_key(2), true);
  EXPECT_EQ(world.refusal(2, World::as(2, revoked)), ErrorCode::key_expired_or_used);
  EXPECT_EQ(world.refusal(2, World::as(2, control::SetupSecret{})), ErrorCode::key_expired_or_used);
  EXPECT_EQ(world.refusal(2, World::as(2, {})), ErrorCode::needs_login);
}

TEST(Registry, ARemovedMachineNeedsAKeyMadeLater) {
  World world;
  const auto reusable = world.make_key({.reusable = true});
  const auto other = world.make_key({.reusable = true});
  const auto id = world.join(1, World::as(1, reusable));
  ASSERT_TRUE(world.registry->remove(*id, true));
  EXPECT_EQ(world.peers_in_map(), 0u);
  EXPECT_EQ(world.refusal(1, World::as(1, reusable)), ErrorCode::key_expired_or_used);
  EXPECT_EQ(world.refusal(1, World::as(1, other)), ErrorCode::key_expired_or_used);
  world.open();
  EXPECT_EQ(world.refusal(1, World::as(1, reusable)), ErrorCode::key_expired_or_used);
  const auto back = world.join(1, World::as(1, world.make_key()));
  ASSERT_TRUE(back);
  EXPECT_NE(*back, *id);
}

TEST(Registry, AnExpiredNodeKeepsItsPlaceButMustJoinAnew) {
  World world;
  const auto reusable = world.make_key({.reusable = true});
  const auto id = world.join(1, World::as(1, reusable));
  const auto addresses = world.registry->addresses(*world.registry->find(*id));
  ASSERT_TRUE(world.registry->expire(*id));
  EXPECT_EQ(world.peers_in_map(), 0u);
  EXPECT_EQ(world.refusal(1, World::as(1, {})), ErrorCode::needs_login);
  world.open();
  EXPECT_EQ(world.peers_in_map(), 0u);
  EXPECT_EQ(world.refusal(1, World::as(1, {})), ErrorCode::needs_login);
  EXPECT_EQ(world.join(1, World::as(1, world.make_key())), *id);
  EXPECT_EQ(world.registry->addresses(*world.registry->find(*id)), addresses);
  EXPECT_EQ(world.peers_in_map(), 1u);
}

TEST(Registry, NamesAreLabelsAndUnique) {
  World world;
  const auto secret = world.make_key({.reusable = true});
  const auto name = [&](std::uint32_t machine, const std::string& wanted) {
    return world.registry->find(*world.join(machine, World::as(machine, secret, wanted)))->name;
  };
  EXPECT_EQ(name(1, "Host.example.org"), "host");
  EXPECT_EQ(name(2, "host"), "host-1");
  EXPECT_EQ(name(3, "host"), "host-2");
  EXPECT_EQ(name(4, "my laptop!"), "my-laptop");
  EXPECT_EQ(name(5, ""), "node");
  EXPECT_EQ(name(6, std::string(200, 'x')).size(), 52u);
  EXPECT_EQ(name(7, "../etc"), "node-1");
}

TEST(Registry, AddressesAreStableAndDiffer) {
  World world;
  const auto secret = world.make_key({.reusable = true});
  std::set<IpAddress> seen;
  std::map<std::uint64_t, std::vector<IpAddress>> before;
  for (std::uint32_t machine = 1; machine <= 600; ++machine) {
    const auto id = world.join(machine, World::as(machine, secret));
    ASSERT_TRUE(id);
    before[*id] = world.registry->addresses(*world.registry->find(*id));
    for (const IpAddress& address : before[*id]) EXPECT_TRUE(seen.insert(address).second);
    EXPECT_TRUE(Prefix::parse("100.64.0.0/10")->contains(before[*id][0]));
    EXPECT_TRUE(Prefix::parse("fd01:203:405::/48")->contains(before[*id][1]));
  }
  world.open();
  for (const auto& [id, addresses] : before) EXPECT_EQ(world.registry->addresses(*world.registry->find(id)), addresses);
}

TEST(AddressPool, Ipv6HostPartIsTheHashOfTheNodeKey) {
  const AddressPool pool({0xFD, 1, 2, 3, 4, 5});
  const auto key = key_of<crypto::PublicKey>(7);
  const auto digest = crypto::blake2s({key.bytes()});
  const IpAddress address = pool.ipv6(key);
  EXPECT_EQ(to_hex(address.bytes()), "fd01020304050000" + to_hex(ByteView(digest).first(8)));
}

TEST(AddressPool, AFreedAddressRests) {
  AddressPool pool({});
  const auto first = *pool.take();
  EXPECT_EQ(first, IpAddress::v4(100, 64, 0, 1));
  pool.release(first);
  EXPECT_EQ(*pool.take(), IpAddress::v4(100, 64, 0, 2));
}

TEST(Registry, ANodeKeyBelongsToOneMachine) {
  World world;
  const auto secret = world.make_key({.reusable = true});
  ASSERT_TRUE(world.join(1, World::as(1, secret)));
  EXPECT_EQ(world.refusal(2, World::as(1, secret)), ErrorCode::refused);
  ASSERT_TRUE(world.join(1, World::as(50, {})));     // a rotated node key
  EXPECT_TRUE(world.join(2, World::as(1, secret)));  // frees the old one
  EXPECT_EQ(world.refusal(3, World::as(50, secret)), ErrorCode::refused);
}

TEST(Registry, KeysOfASimulationAreRefusedInEarnest) {
  World world;
  Registry real(*world.store, AddressPool({0xFD}), 1, KeyProvenance::operating_system);
  Registration registration = World::as(1, world.make_key());
  registration.provenance = KeyProvenance::simulated;
  const auto joined = real.join(key_of<crypto::PublicKey>(1), registration, world.now);
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::refused);
}

TEST(Registry, RelaysAreListedApartAndKeepTheirNumber) {
  World world;
  const auto secret = world.make_key({.reusable = true});
  Registration registration = World::as(0, secret, "relay");
  registration.node_key = {};
  registration.role = Role::relay;
  EXPECT_EQ(world.refusal(1, registration), ErrorCode::refused);  // offers nothing
  registration.relay = control::RelayOffer{key_of<crypto::VerifyKey>(1), {*Endpoint::parse("192.0.2.1:443")}, {}, true};
  const auto a = world.join(1, registration);
  const auto b = world.join(2, registration);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(world.registry->find(*a)->relay_id, 1);
  EXPECT_EQ(world.registry->find(*b)->relay_id, 2);
  EXPECT_EQ(world.peers_in_map(), 0u);
  EXPECT_TRUE(world.registry->addresses(*world.registry->find(*a)).empty());
  world.open();
  EXPECT_EQ(world.registry->find(*b)->relay_id, 2);
  EXPECT_EQ(world.refusal(1, World::as(9, secret)), ErrorCode::refused);  // as a node now
}

TEST(Registry, PublicationsSurviveAFlush) {
  World world;
  const auto id = world.join(1, World::as(1, world.make_key()));
  world.registry->publish(*id, {{}, {"endpoint_independent", "unknown"}, 9});
  EXPECT_TRUE(world.registry->dirty());
  ASSERT_TRUE(world.registry->flush());
  EXPECT_FALSE(world.registry->dirty());
  world.open();
  EXPECT_EQ(world.registry->find(*id)->publication.home_relay, 9);
}

TEST(Registry, AMachineIsInOrNotWheneverTheDiskDies) {
  for (std::uint64_t operation = 1; operation < 40; ++operation) {
    World world;
    const auto secret = world.make_key();
    world.files.die_after(operation);
    const auto joined = world.join(1, World::as(1, secret));
    if (!joined) {
      EXPECT_EQ(joined.error().code, ErrorCode::io);
      EXPECT_TRUE(world.registry->nodes().empty());
    }
    SeededRandom random(operation, "crash");
    world.files.crash(random);
    world.open();
    const bool in = !world.registry->nodes().empty();
    EXPECT_TRUE(in || !joined);
    EXPECT_EQ((*world.store->keys())[0].uses, in ? 1u : 0u);
    EXPECT_TRUE(world.join(1, World::as(1, secret))) << "the machine asks again and is let in";
  }
}

}  // namespace
}  // namespace weft::coordinator
