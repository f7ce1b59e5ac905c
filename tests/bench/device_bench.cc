// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/assert.h"
#include "tests/bench/bench.h"
#include "tests/support/wireguard_pair.h"

namespace weft::bench {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kHeaders = 28;  // of IPv4 and UDP

/// A batch of equal packets that goes through two devices with a session.
class Batch {
 public:
  explicit Batch(std::size_t length) : buffers_(kBatch), slots_(kBatch) {
    WEFT_ASSERT(pair_.connect());
    packet_ = test::make_udp4(pair_.address(0), pair_.address(1), std::string(length - kHeaders, 'x'));
  }
  void fill() {
    for (std::size_t i = 0; i < kBatch; ++i) slots_[i] = buffers_[i].fill(packet_);
  }
  void seal() { pair_.device(0).seal(pair_.now(), slots_); }
  void open() {
    for (auto& slot : slots_) slot.path = pair_.path_from(0);
    pair_.device(1).open(pair_.now(), slots_);
  }
  /// Packets that came through the last seal() or open().
  std::size_t ready() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(slots_, [](const auto& slot) { return slot.verdict == PacketVerdict::ready; }));
  }

 private:
  test::WireguardPair pair_;
  Bytes packet_;
  std::vector<test::SlotBuffer> buffers_;
  std::vector<PacketSlot> slots_;
};

double packets_per_second(const Bench& bench, std::size_t length, bool timed_seal, bool timed_open) {
  Batch batch(length);
  return bench.rate([&](Stopwatch& watch) {
    batch.fill();
    if (timed_seal) watch.start();
    batch.seal();
    if (timed_seal) watch.stop();
    if (timed_open) watch.start();
    batch.open();
    if (timed_open) watch.stop();
    return batch.ready();
  });
}

}  // namespace

void bench_device(Bench& bench) {
  for (const std::size_t length : {1420, 64}) {
    const std::string size = std::to_string(length) + "B";
    bench.figure("device/seal/" + size, "packets/s", [&] { return packets_per_second(bench, length, true, false); });
    bench.figure("device/open/" + size, "packets/s", [&] { return packets_per_second(bench, length, false, true); });
    bench.figure("device/pair/" + size, "Gb/s",
                 [&] { return packets_per_second(bench, length, true, true) * static_cast<double>(length) * 8 / 1e9; });
  }
}

}  // namespace weft::bench
