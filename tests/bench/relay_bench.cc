// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/assert.h"
#include "tests/bench/bench.h"
#include "tests/unit/relay/wires.h"

namespace weft::bench {
namespace {

constexpr std::size_t kFrames = 16;  // of one read of the sender's stream

/// Frames from one client to another: the hub reads a stream's bytes and queues them for the other stream.
double frames_per_second(const Bench& bench, std::size_t length) {
  relay::Wires wires;
  auto& sender = wires.connect();
  auto& receiver = wires.connect();
  wires.settle();
  for (std::size_t i = 0; i < kFrames; ++i) {
    WEFT_ASSERT(sender.session->send(wires.now, receiver.key.public_key(), Bytes(length, 7)));
  }
  const Bytes stream = *sender.session->poll_write();
  std::size_t written = 0;
  const double rate = bench.rate([&](Stopwatch& watch) {
    watch.start();
    wires.hub.handle_data(wires.now, wires.wall(), sender.id, stream);
    while (const auto id = wires.hub.poll_work()) {
      while (const auto bytes = wires.hub.poll_write(*id)) written += bytes->size();
    }
    watch.stop();
    return kFrames;
  });
  WEFT_ASSERT(written > length && wires.hub.counters().dropped == 0);
  return rate;
}

}  // namespace

void bench_relay(Bench& bench) {
  for (const std::size_t length : {1400, 100}) {
    bench.figure("relay/forward/" + std::to_string(length) + "B", "frames/s",
                 [&] { return frames_per_second(bench, length); });
  }
}

}  // namespace weft::bench
