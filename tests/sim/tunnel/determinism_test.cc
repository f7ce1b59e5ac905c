// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <set>

#include "mesh/io/stream.h"

#include "tests/sim/tunnel/tunnel_world.h"

namespace weft::sim_tests {
namespace {

using Hash = std::array<std::uint8_t, 32>;

/// A cell with everything that draws: handshakes, loss, random NAT ports, a crash.
Hash run_cell(std::uint64_t seed) {
  TunnelOptions options{.seed = seed, .loss_ppm = 30'000};
  options.nat.ports.collision = nat::Collision::random;
  TunnelWorld world(options);
  const auto ping = world.ping(1s, 20, 200ms);
  world.network.run_for(8s);
  world.right->power_off();
  world.stop_right();
  world.right->power_on();
  world.start_right();
  world.network.run_for(8s);
  EXPECT_GT(ping->answered(), 0u);
  EXPECT_EQ(world.plaintext, 0u);
  return world.network.trace_hash();
}

TEST(Determinism, SameSeedGivesTheSameTrace) {
  const Hash hash = run_cell(1);
  EXPECT_EQ(run_cell(1), hash);
  RecordProperty("trace_hash", to_hex(hash));  // --gtest_output=xml, to compare builds
}

TEST(Determinism, EverySeedGivesAnotherTrace) {
  std::set<Hash> hashes;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) hashes.insert(run_cell(seed));
  EXPECT_EQ(hashes.size(), 10u);
}

TEST(Determinism, FiftyOtherCellsInTheProcessChangeNothing) {
  const Hash alone = run_cell(1);
  for (std::uint64_t seed = 100; seed < 150; ++seed) run_cell(seed);
  EXPECT_EQ(run_cell(1), alone);
}

TEST(Determinism, OneChangedByteChangesTheTrace) {
  const auto hash = [](std::uint8_t byte) {
    fabric::Network network({});
    auto& host = network.add_host({.name = "a", .addresses = {IpAddress::v4(192, 0, 2, 1)}});
    auto& other = network.add_host({.name = "b", .addresses = {IpAddress::v4(192, 0, 2, 2)}});
    traffic::EchoResponder kernel(other);
    auto stream = host.connect({IpAddress::v4(192, 0, 2, byte), 1});
    network.run_for(1s);
    return network.trace_hash();
  };
  EXPECT_EQ(hash(2), hash(2));
  EXPECT_NE(hash(2), hash(3));
}

}  // namespace
}  // namespace weft::sim_tests
