// SPDX-License-Identifier: GPL-2.0-only
#include <ns3/priority-queue-scheduler.h>

#include "mesh/base/random.h"
#include "sim/fabric/wheel_scheduler.h"
#include "tests/bench/bench.h"

namespace weft::bench {
namespace {

constexpr std::uint64_t kSpread_ns = 20'000'000;
constexpr std::size_t kSteps = 100'000;

/// The hold model: the next event is taken and another put in for it, so that `waiting` are there all the time.
template <typename Scheduler>
double hold(const Bench& bench, std::uint32_t waiting) {
  SeededRandom random(1, "hold");
  Scheduler scheduler;
  std::uint32_t number = 0;
  for (; number < waiting; ++number) scheduler.Insert({nullptr, {random.below(kSpread_ns), number, 0}});
  return bench.ns_per_item([&](Stopwatch& watch) {
    watch.start();
    for (std::size_t i = 0; i < kSteps; ++i) {
      const auto event = scheduler.RemoveNext();
      scheduler.Insert({nullptr, {event.key.m_ts + random.below(kSpread_ns), ++number, 0}});
    }
    watch.stop();
    return kSteps;
  });
}

}  // namespace

void bench_scheduler(Bench& bench) {
  for (const std::uint32_t waiting : {1'000, 100'000, 1'000'000}) {
    if (bench.quick() && waiting > 1'000) continue;
    const std::string name = "scheduler/" + std::to_string(waiting);
    bench.figure(name + "/wheel", "ns/event", [&] { return hold<fabric::WheelScheduler>(bench, waiting); });
    bench.figure(name + "/priority_queue", "ns/event",
                 [&] { return hold<ns3::PriorityQueueScheduler>(bench, waiting); });
  }
}

}  // namespace weft::bench
