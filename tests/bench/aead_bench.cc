// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <span>

#include "mesh/crypto/aead.h"
#include "tests/bench/bench.h"

namespace weft::bench {
namespace {

constexpr std::size_t kPackets = 256;  // of one measurement; their bytes fit in a second-level cache

/// Packets of one size in memory, sealed and opened in batches.
class Packets {
 public:
  explicit Packets(std::size_t length)
      : length_(length), aead_(*crypto::SymmetricKey::from_bytes(Bytes(32, 7))), bytes_(kPackets * stride()) {
    for (std::size_t i = 0; i < kPackets; ++i) items_.push_back({.data = &bytes_[i * stride()], .length = length_});
    seal(kPackets);
    sealed_ = bytes_;
  }
  std::size_t seal(std::size_t batch) {
    number();
    for (std::size_t at = 0; at < kPackets; at += batch) aead_.seal(std::span(items_).subspan(at, batch));
    return kPackets;
  }
  void restore() {
    number();
    std::ranges::copy(sealed_, bytes_.begin());
  }
  std::size_t open(std::size_t batch) {
    for (std::size_t at = 0; at < kPackets; at += batch) aead_.open(std::span(items_).subspan(at, batch));
    return static_cast<std::size_t>(std::ranges::count_if(items_, &crypto::AeadItem::ok));
  }

 private:
  std::size_t stride() const { return (length_ + crypto::kAeadTagSize + 63) / 64 * 64; }
  void number() {
    for (std::size_t i = 0; i < kPackets; ++i) items_[i].counter = i;
  }

  std::size_t length_;
  crypto::Aead aead_;
  Bytes bytes_, sealed_;
  std::vector<crypto::AeadItem> items_;
};

}  // namespace

void bench_aead(Bench& bench) {
  for (const std::size_t length : {1420, 64}) {
    for (const std::size_t batch : {1, 16, 64}) {
      const std::string size = std::to_string(length) + "B/batch" + std::to_string(batch);
      bench.figure("aead/seal/" + size, "ns/packet", [&] {
        Packets packets(length);
        return bench.ns_per_item([&](Stopwatch& watch) {
          watch.start();
          const std::size_t count = packets.seal(batch);
          watch.stop();
          return count;
        });
      });
      bench.figure("aead/open/" + size, "ns/packet", [&] {
        Packets packets(length);
        return bench.ns_per_item([&](Stopwatch& watch) {
          packets.restore();
          watch.start();
          const std::size_t count = packets.open(batch);
          watch.stop();
          return count;
        });
      });
    }
  }
}

}  // namespace weft::bench
