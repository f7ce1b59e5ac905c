// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <utility>
#include <vector>

#include "tests/bench/bench.h"
#include "tests/bench/io_forwarders.h"
#include "tests/support/network_namespace.h"

namespace weft::bench {
namespace {

constexpr int kRounds = 400;  // of each forwarder in one run

using Fill = std::function<std::size_t(Forwarder&)>;

/// Forwards one burst that `fill` made; what it cost is added to `seconds`; returns how many packets it was.
std::size_t forward_burst(Forwarder& forwarder, const Fill& fill, UdpLoad& load, double& seconds) {
  const std::size_t count = fill(forwarder);
  const double began = thread_seconds();
  forwarder.forward(count);
  seconds += thread_seconds() - began;
  load.drain();
  return count;
}

/// How much more processor time a forwarder takes than the direct one, in per cent: the median over short turns with
/// equal bursts, in one thread, so neither sees another machine than the other, and an interruption spoils one turn.
double added_percent(Forwarder& interface, Forwarder& direct, const Fill& fill, UdpLoad& load, int rounds) {
  std::vector<double> ratios;
  for (int turn = 0; turn < rounds / 2; ++turn) {
    double seconds[2] = {0, 0};
    for (const int which : {0, 1, 1, 0}) forward_burst(which == 0 ? interface : direct, fill, load, seconds[which]);
    ratios.push_back(seconds[0] / seconds[1]);
  }
  return (median(std::move(ratios)) - 1) * 100;
}

double ns_per_packet(Forwarder& forwarder, const Fill& fill, UdpLoad& load, int rounds) {
  double seconds = 0;
  std::size_t count = 0;
  for (int round = 0; round < rounds; ++round) count += forward_burst(forwarder, fill, load, seconds);
  return seconds / static_cast<double>(count) * 1e9;
}

int rounds(const Bench& bench) { return bench.quick() ? 4 : kRounds; }

void bench_udp(Bench& bench, const std::string& name, bool gso) {
  bench.figure("io/udp/" + name + "/added", "% added", [&] {
    UdpLoad load(gso);
    const auto fill = [&](Forwarder& to) { return load.send(to.local()); };
    const auto interface = make_udp_interface_forwarder(load.sink());
    const auto direct = make_udp_direct_forwarder(load.sink());
    return added_percent(*interface, *direct, fill, load, rounds(bench));
  });
  bench.figure("io/udp/" + name + "/direct", "ns/packet", [&] {
    UdpLoad load(gso);
    const auto fill = [&](Forwarder& to) { return load.send(to.local()); };
    return ns_per_packet(*make_udp_direct_forwarder(load.sink()), fill, load, rounds(bench));
  });
}

void bench_tun(Bench& bench) {
  if (::geteuid() != 0) {
    fmt::print(stderr, "weft-bench: io/tun needs root, to make a TUN device in a network namespace: left out\n");
    return;
  }
  const auto in_namespace = [&](const std::function<double(const Fill&, UdpLoad&)>& measure) {
    test::NetworkNamespace space;
    std::ofstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") << 1;  // no packets but ours
    EchoLoad echo;
    UdpLoad load(false);
    return measure([&](Forwarder& to) { return echo.send(to.local()); }, load);
  };
  bench.figure("io/tun/added", "% added", [&] {
    return in_namespace([&](const Fill& fill, UdpLoad& load) {
      const auto interface = make_tun_interface_forwarder(load.sink());
      const auto direct = make_tun_direct_forwarder(load.sink());
      return added_percent(*interface, *direct, fill, load, rounds(bench));
    });
  });
  bench.figure("io/tun/direct", "ns/packet", [&] {
    return in_namespace([&](const Fill& fill, UdpLoad& load) {
      return ns_per_packet(*make_tun_direct_forwarder(load.sink()), fill, load, rounds(bench));
    });
  });
}

}  // namespace

void bench_io(Bench& bench) {
  bench_udp(bench, "single", false);
  bench_udp(bench, "gso", true);
  bench_tun(bench);
}

}  // namespace weft::bench
