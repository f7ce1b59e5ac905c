// SPDX-License-Identifier: GPL-2.0-only
#include "mesh/base/assert.h"
#include "mesh/base/bytes.h"
#include "mesh/base/random.h"
#include "sim/nat/nat.h"
#include "tests/bench/bench.h"
#include "tests/support/inner_packets.h"

namespace weft::bench {
namespace {

const IpAddress kExternal = IpAddress::v4(203, 0, 113, 1);
const IpAddress kRemote = IpAddress::v4(198, 51, 100, 1);
constexpr std::size_t kSourcePort = 20;  // where it is in an IPv4 packet
constexpr std::uint32_t kBatch = 256;
constexpr std::uint32_t kFlows = 20'000;

/// Outbound packet of the n-th internal endpoint.
Bytes packet_of(std::uint32_t n) {
  const auto source = IpAddress::v4(10, 0, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n));
  Bytes packet = test::make_udp4(source, kRemote, std::string(100, 'x'));
  store_u16be(&packet[kSourcePort], static_cast<std::uint16_t>(2000 + n));
  return packet;
}

/// Sends one packet for each flow from `first` on while the watch runs; returns how many went out.
std::size_t send(nat::Nat& nat, std::uint32_t first, std::uint32_t count, Stopwatch& watch) {
  std::vector<Bytes> packets;
  for (std::uint32_t i = 0; i < count; ++i) packets.push_back(packet_of(first + i));
  std::size_t forwarded = 0;
  watch.start();
  for (Bytes& packet : packets) forwarded += nat.translate(Time{}, nat::Side::inside, packet).forwarded();
  watch.stop();
  return forwarded;
}

double bytes_per_mapping() {
  SeededRandom random(1, "nat");
  nat::Nat nat(nat::Behavior{}, {kExternal}, random);
  Stopwatch unused;
  const double before = heap_bytes();
  for (std::uint32_t at = 0; at < kFlows; at += kBatch) send(nat, at, kBatch, unused);
  return (heap_bytes() - before) / static_cast<double>(nat.mapping_count(Time{}));
}

}  // namespace

void bench_nat(Bench& bench) {
  bench.figure("nat/known_flow", "packets/s", [&] {
    SeededRandom random(1, "nat");
    nat::Nat nat(nat::Behavior{}, {kExternal}, random);
    std::uint32_t at = 0;
    return bench.rate([&](Stopwatch& watch) { return send(nat, (at += kBatch) % kFlows, kBatch, watch); });
  });
  bench.figure("nat/new_mapping", "mappings/s", [&] {
    SeededRandom random(1, "nat");
    nat::Nat nat(nat::Behavior{}, {kExternal}, random);
    std::uint32_t at = 0;
    return bench.rate([&](Stopwatch& watch) {
      if (at + kBatch > kFlows) {
        nat.restart();
        at = 0;
      }
      at += kBatch;
      return send(nat, at - kBatch, kBatch, watch);
    });
  });
  bench.figure("nat/memory", "bytes/mapping", bytes_per_mapping);
}

}  // namespace weft::bench
