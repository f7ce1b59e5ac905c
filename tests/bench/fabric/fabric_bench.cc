// SPDX-License-Identifier: GPL-2.0-only
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "mesh/io/udp_socket.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "sim/nat/behavior.h"

namespace weft::fabric {
namespace {

/// Hosts that pass datagrams on for ever: one under way for each of them.
class Relays {
 public:
  Relays(std::uint32_t count, bool behind_nats) : network_({}) {
    for (std::uint32_t i = 0; i < count; ++i) {
      RealmId realm = kInternet;
      IpAddress address = outside(i);
      if (behind_nats) {
        realm = network_.add_nat({.name = "nat-" + std::to_string(i), .external = {address}}, {}).inside;
        address = IpAddress::v4(10, 0, 0, 2);
      }
      auto& host = network_.add_host({.name = "host-" + std::to_string(i), .realm = realm, .addresses = {address}});
      sockets_.push_back(std::move(*host.open_udp({.local = {address, kPort}})));
      io::UdpSocket* socket = sockets_.back().get();
      socket->start_receive(
          [socket, next = Endpoint{outside((i * 7919 + 1) % count), kPort}](std::span<DatagramSlot> items) {
            for (DatagramSlot& item : items) item.meta = {.destination = next};
            socket->send(items);
          });
    }
    alignas(16) std::uint8_t arena[200] = {};
    for (std::uint32_t i = 0; i < count; ++i) {
      DatagramSlot item{{arena, sizeof arena, 16, 100}, {.destination = {outside((i + 1) % count), kPort}}};
      sockets_[i]->send({&item, 1});
    }
  }
  std::uint64_t run(Duration duration) {
    const std::uint64_t before = network_.delivered();
    network_.run_for(duration);
    return network_.delivered() - before;
  }

 private:
  static constexpr std::uint16_t kPort = 1000;
  static IpAddress outside(std::uint32_t i) { return IpAddress::v4(0x14000001 + i); }
  Network network_;
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;
};

void datagrams(benchmark::State& state, bool behind_nats) {
  Relays relays(static_cast<std::uint32_t>(state.range(0)), behind_nats);
  relays.run(100ms);
  std::uint64_t delivered = 0;
  for (auto _ : state) delivered += relays.run(50ms);
  state.SetItemsProcessed(static_cast<std::int64_t>(delivered));
}

BENCHMARK_CAPTURE(datagrams, internet, false)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(datagrams, behind_nats, true)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft::fabric
