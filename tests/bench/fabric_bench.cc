// SPDX-License-Identifier: GPL-2.0-only
#include "mesh/base/assert.h"
#include "mesh/io/udp_socket.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "tests/bench/bench.h"

namespace weft::bench {
namespace {

constexpr std::uint16_t kPort = 9;
constexpr std::size_t kLength = 100;

IpAddress address_of(std::uint32_t n) {
  return IpAddress::v4(11, static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
                       static_cast<std::uint8_t>(n));
}

/// Hosts that answer each datagram with one, so that every pair has one under way at any time.
class Echoes {
 public:
  explicit Echoes(std::uint32_t hosts) : network_(fabric::NetworkOptions{}), before_(heap_bytes()) {
    for (std::uint32_t i = 0; i < hosts; ++i) add_host(i);
    memory_ = (heap_bytes() - before_) / hosts;
    for (std::uint32_t i = 0; i < hosts / 2; ++i) start(i, {address_of(i + hosts / 2), kPort});
  }
  /// Runs the network for a while and returns how many datagrams arrived.
  std::size_t run(Duration span) {
    const auto before = network_.delivered();
    network_.run_for(span);
    return network_.delivered() - before;
  }
  double bytes_per_host() const { return memory_; }

 private:
  void add_host(std::uint32_t i) {
    auto& host = network_.add_host({.name = "h" + std::to_string(i), .addresses = {address_of(i)}});
    sockets_.push_back(*host.open_udp({.local = {address_of(i), kPort}}));
    sockets_.back()->start_receive([socket = sockets_.back().get()](std::span<DatagramSlot> items) {
      for (DatagramSlot& item : items) {
        item.meta.destination = item.meta.source;
        item.meta.source = {};
      }
      socket->send(items);
    });
  }
  void start(std::uint32_t i, const Endpoint& to) {
    Bytes bytes(kSlotHeadRoom + kLength + kSlotTailRoom);
    DatagramSlot item{{bytes.data(), static_cast<std::uint32_t>(bytes.size()), kSlotHeadRoom, kLength}, {}};
    item.meta.destination = to;
    WEFT_ASSERT(sockets_[i]->send({&item, 1}) == 1);
  }

  fabric::Network network_;
  double before_;
  double memory_ = 0;
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;
};

}  // namespace

void bench_fabric(Bench& bench) {
  for (const std::uint32_t hosts : {1'000, 10'000, 100'000}) {
    if (bench.quick() && hosts > 1'000) continue;
    const std::string name = "fabric/" + std::to_string(hosts);
    bench.figure(name + "/datagrams", "datagrams/s", [&] {
      Echoes echoes(hosts);
      return bench.rate([&](Stopwatch& watch) {
        watch.start();
        const std::size_t count = echoes.run(1ms);
        watch.stop();
        return count;
      });
    });
    bench.figure(name + "/build", "hosts/s", [&] {
      return bench.rate([&](Stopwatch& watch) {
        watch.start();
        const Echoes echoes(hosts);
        watch.stop();
        return std::size_t{hosts};
      });
    });
    bench.figure(name + "/memory", "bytes/host", [&] { return Echoes(hosts).bytes_per_host(); });
  }
}

}  // namespace weft::bench
