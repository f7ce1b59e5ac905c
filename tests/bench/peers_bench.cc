// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/bytes.h"
#include "tests/bench/bench.h"
#include "tests/support/wireguard_pair.h"

namespace weft::bench {
namespace {

constexpr std::uint32_t kPeers = 10'000;

struct Cost {
  double bytes = 0;
  double milliseconds = 0;
};

/// Adds idle peers, each with one address and a path, to a device.
Cost add_peers() {
  SeededRandom random(1, "peers");
  test::SeededEntropy entropy(1);
  std::vector<wireguard::PeerConfig> configs(kPeers);
  for (std::uint32_t i = 0; i < kPeers; ++i) {
    std::array<std::uint8_t, 32> key{};
    entropy.fill(key);
    configs[i].public_key = crypto::PublicKey(key);
    const auto high = static_cast<std::uint8_t>(i / 250), low = static_cast<std::uint8_t>(i % 250);
    configs[i].allowed_ips = {Prefix::host(IpAddress::v4(100, 64, high, low))};
    configs[i].path = PathId{.remote = {IpAddress::v4(192, 0, 2, low), static_cast<std::uint16_t>(1024 + i)}};
  }
  wireguard::DeviceConfig config;
  config.private_key = crypto::PrivateKey::generate(entropy);
  config.next_timestamp = [] { return wireguard::Tai64n{}; };  // no handshake begins
  wireguard::Device device(config, random, entropy);
  const double before = heap_bytes();
  Stopwatch watch;
  watch.start();
  for (const auto& peer : configs) (void)device.add_peer(Time{}, peer);
  watch.stop();
  return {(heap_bytes() - before) / kPeers, watch.seconds() * 1e3};
}

}  // namespace

void bench_peers(Bench& bench) {
  bench.figure("peers/idle_10000/memory", "bytes/peer", [] { return add_peers().bytes; });
  bench.figure("peers/idle_10000/add", "ms", [] { return add_peers().milliseconds; });
}

}  // namespace weft::bench
