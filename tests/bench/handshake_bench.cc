// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/assert.h"
#include "tests/bench/bench.h"
#include "tests/support/wireguard_pair.h"

namespace weft::bench {
namespace {

constexpr std::size_t kInitiators = 64;
constexpr Duration kPause = 10s;  // longer than a device waits before it starts another handshake

/// One responder and many initiators, each with a key of its own.
class Crowd {
 public:
  Crowd() : random_(1, "crowd"), entropy_(1) {
    responder_ = make_device(responder_key_ = crypto::PrivateKey::generate(entropy_));
    for (std::size_t i = 0; i < kInitiators; ++i) {
      const auto key = crypto::PrivateKey::generate(entropy_);
      initiators_.push_back(make_device(key));
      (void)responder_->add_peer(now_, {.public_key = key.public_key(), .path = path(i)});
      (void)initiators_.back()->add_peer(now_, {.public_key = responder_key_.public_key(), .path = path(i)});
    }
  }
  /// Every initiator's initiation, answered by the responder while the watch runs; returns how many it answered.
  std::size_t shake_hands(Stopwatch& watch) {
    now_ += kPause;
    responder_->handle_timeout(now_);
    while (responder_->poll_transmit()) {
    }
    std::size_t answered = 0;
    for (std::size_t i = 0; i < kInitiators; ++i) answered += shake_hands(watch, *initiators_[i], path(i));
    return answered;
  }

 private:
  static PathId path(std::size_t i) { return {.socket = static_cast<std::uint16_t>(i)}; }

  std::unique_ptr<wireguard::Device> make_device(const crypto::PrivateKey& key) {
    wireguard::DeviceConfig config;
    config.private_key = key;
    config.next_timestamp = [this] { return wireguard::to_tai64n(wall_ += 1ms); };
    config.load_threshold = 0;
    return std::make_unique<wireguard::Device>(config, random_, entropy_);
  }

  std::size_t shake_hands(Stopwatch& watch, wireguard::Device& initiator, const PathId& path) {
    initiator.initiate(now_, *initiator.find_peer(responder_key_.public_key()));
    const auto initiation = initiator.poll_transmit();
    WEFT_ASSERT(initiation.has_value());
    PacketSlot slot = buffer_.fill(initiation->bytes, path);
    watch.start();
    responder_->open(now_, {&slot, 1});
    const auto response = responder_->poll_transmit();
    watch.stop();
    if (!response) return 0;
    slot = buffer_.fill(response->bytes, path);
    initiator.open(now_, {&slot, 1});
    while (initiator.poll_transmit()) {
    }
    while (initiator.poll_event() || responder_->poll_event()) {
    }
    return 1;
  }

  SeededRandom random_;
  test::SeededEntropy entropy_;
  Time now_{Duration(1h)};
  WallTime wall_{24h * 365 * 56};
  crypto::PrivateKey responder_key_;
  std::unique_ptr<wireguard::Device> responder_;
  std::vector<std::unique_ptr<wireguard::Device>> initiators_;
  test::SlotBuffer buffer_;
};

/// What an initiation costs that begins no session: one from somebody who does not know the responder's key, and, under
/// load, one from somebody who does but has shown no cookie. Nanoseconds each.
double refused_initiation(const Bench& bench, bool knows_key) {
  SeededRandom random(1, "flood");
  test::SeededEntropy entropy(1);
  wireguard::DeviceConfig config;
  config.private_key = crypto::PrivateKey::generate(entropy);
  config.next_timestamp = [] { return wireguard::to_tai64n(WallTime(24h)); };
  config.load_threshold = 0;
  const auto own = config.private_key.public_key();
  wireguard::Device device(config, random, entropy);
  device.set_under_load(true);
  config.private_key = crypto::PrivateKey::generate(entropy);
  wireguard::Device stranger(config, random, entropy);
  Time now{Duration(1h)};
  (void)stranger.add_peer(now, {.public_key = own, .path = PathId{}});
  stranger.initiate(now, *stranger.find_peer(own));
  Bytes initiation = stranger.poll_transmit()->bytes;
  if (!knows_key) initiation[wireguard::kInitiationSize - 2 * wireguard::kMacSize] ^= 1;
  std::vector<test::SlotBuffer> buffers(kInitiators);
  std::vector<PacketSlot> slots(kInitiators);
  return bench.ns_per_item([&](Stopwatch& watch) {
    now += kPause;  // the limit of cookie replies stays away
    for (std::size_t i = 0; i < kInitiators; ++i) {
      slots[i] = buffers[i].fill(initiation, {.remote = {IpAddress::v4(192, 0, 2, 1), static_cast<std::uint16_t>(i)}});
    }
    watch.start();
    device.open(now, slots);
    while (device.poll_transmit()) {
    }
    watch.stop();
    return kInitiators;
  });
}

}  // namespace

void bench_handshakes(Bench& bench) {
  bench.figure("handshakes/responder/again", "1/s", [&] {
    Crowd crowd;
    return bench.rate([&](Stopwatch& watch) { return crowd.shake_hands(watch); });
  });
  bench.figure("handshakes/refused/mac1", "ns", [&] { return refused_initiation(bench, false); });
  bench.figure("handshakes/refused/cookie", "ns", [&] { return refused_initiation(bench, true); });
  bench.figure("handshakes/responder/first", "1/s",
               [&] { return bench.rate([](Stopwatch& watch) { return Crowd().shake_hands(watch); }); });
}

}  // namespace weft::bench
