// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/crypto/batched_aead.h"

#include <algorithm>
#include <cstring>

#include "mesh/crypto/chacha20_lanes.h"
#include "mesh/crypto/poly1305_batch.h"

namespace weft::crypto {

struct LaneKernels {
  void (*chacha20)(const std::uint8_t* key, const ChaCha20Lanes& lanes);
  Poly1305Kernel poly1305;
};

namespace {

constexpr std::size_t kPacketsAtOnce = Poly1305Lanes::kLanes;
constexpr std::size_t kBlock = 64;

constexpr LaneKernels kAvx2 = {chacha20_avx2, {poly1305_avx2, 4}};
constexpr LaneKernels kAvx512 = {chacha20_avx512, {poly1305_avx512, 8}};

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("bmi2");
}

/// Gathers blocks of key stream, of any packets, and runs the kernel whenever the lanes are full.
class KeyStream {
 public:
  KeyStream(const LaneKernels& kernels, const SymmetricKey& key) : kernels_(kernels), key_(key.bytes().data()) {}

  void add(std::uint64_t counter, std::uint32_t block, std::uint8_t* data, std::size_t length) {
    const std::size_t lane = lanes_.count;
    lanes_.block[lane] = block;
    lanes_.nonce_low[lane] = static_cast<std::uint32_t>(counter);
    lanes_.nonce_high[lane] = static_cast<std::uint32_t>(counter >> 32);
    lanes_.data[lane] = data;
    lanes_.length[lane] = static_cast<std::uint32_t>(length);
    if (++lanes_.count == ChaCha20Lanes::kLanes) flush();
  }
  /// The packet's one-time key: RFC 8439 §2.6. `key` must be zero.
  void add_one_time_key(const AeadItem& item, std::array<std::uint8_t, 32>& key) {
    add(item.counter, 0, key.data(), key.size());
  }
  void add_text(const AeadItem& item) {
    std::uint32_t block = 1;
    for (std::size_t at = 0; at < item.length; at += kBlock) {
      add(item.counter, block++, item.data + at, std::min(item.length - at, kBlock));
    }
  }
  void flush() {
    if (lanes_.count == 0) return;
    std::fill(lanes_.length + lanes_.count, lanes_.length + ChaCha20Lanes::kLanes, 0);
    kernels_.chacha20(key_, lanes_);
    lanes_.count = 0;
  }

 private:
  const LaneKernels& kernels_;
  const std::uint8_t* key_;
  ChaCha20Lanes lanes_{};
};

/// What Poly1305 needs of up to 16 packets; wiped at the end.
class Authenticators {
 public:
  explicit Authenticators(std::span<const AeadItem> items) : count_(items.size()) {
    for (std::size_t i = 0; i < count_; ++i) packets_[i] = {items[i].data, items[i].length, {}};
  }
  ~Authenticators() { wipe({reinterpret_cast<std::uint8_t*>(packets_), sizeof packets_}); }
  Authenticators(const Authenticators&) = delete;
  Authenticators& operator=(const Authenticators&) = delete;

  std::array<std::uint8_t, 32>& key(std::size_t i) { return packets_[i].key; }
  void compute(const LaneKernels& kernels) { poly1305_tags(kernels.poly1305, {packets_, count_}); }
  ByteView tag(std::size_t i) const { return ByteView(packets_[i].key).first(kAeadTagSize); }

 private:
  Poly1305Packet packets_[kPacketsAtOnce];
  std::size_t count_;
};

/// Both are compared whole, whatever they hold.
bool same_tag(const std::uint8_t* a, const std::uint8_t* b) {
  return ((load_u64le(a) ^ load_u64le(b)) | (load_u64le(a + 8) ^ load_u64le(b + 8))) == 0;
}

void seal_some(const LaneKernels& kernels, KeyStream& stream, std::span<AeadItem> items) {
  Authenticators authenticators(items);
  for (std::size_t i = 0; i < items.size(); ++i) {
    stream.add_one_time_key(items[i], authenticators.key(i));
    stream.add_text(items[i]);
  }
  stream.flush();
  authenticators.compute(kernels);
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::memcpy(items[i].data + items[i].length, authenticators.tag(i).data(), kAeadTagSize);
    items[i].ok = true;
  }
}

void open_some(const LaneKernels& kernels, KeyStream& stream, std::span<AeadItem> items) {
  Authenticators authenticators(items);
  for (std::size_t i = 0; i < items.size(); ++i) stream.add_one_time_key(items[i], authenticators.key(i));
  stream.flush();
  authenticators.compute(kernels);
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].ok = same_tag(authenticators.tag(i).data(), items[i].data + items[i].length);
    stream.add_text(items[i]);
  }
  stream.flush();
}

template <typename Some>
void in_parts(const LaneKernels& kernels, const SymmetricKey& key, std::span<AeadItem> items, Some some) {
  KeyStream stream(kernels, key);
  for (std::size_t at = 0; at < items.size(); at += kPacketsAtOnce) {
    some(kernels, stream, items.subspan(at, std::min(items.size() - at, kPacketsAtOnce)));
  }
}

}  // namespace

const LaneKernels* lane_kernels(AeadImplementation implementation) {
  static const bool avx2 = __builtin_cpu_supports("avx2"), avx512 = has_avx512();
  switch (implementation) {
    case AeadImplementation::openssl:
      return nullptr;
    case AeadImplementation::avx2:
      return avx2 ? &kAvx2 : nullptr;
    case AeadImplementation::avx512:
      return avx512 ? &kAvx512 : nullptr;
    case AeadImplementation::best:
      return avx512 ? &kAvx512 : avx2 ? &kAvx2 : nullptr;
  }
  return nullptr;
}

void batched_seal(const LaneKernels& kernels, const SymmetricKey& key, std::span<AeadItem> items) {
  in_parts(kernels, key, items, seal_some);
}

void batched_open(const LaneKernels& kernels, const SymmetricKey& key, std::span<AeadItem> items) {
  in_parts(kernels, key, items, open_some);
}

}  // namespace weft::crypto
