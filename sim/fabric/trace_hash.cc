// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/trace_hash.h"

#include <bit>
#include <cstring>

namespace weft::fabric {
namespace {

std::uint64_t load_le(const std::uint8_t* at, std::size_t count) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, count);
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

std::uint64_t mix(std::uint64_t state, std::uint64_t word) {
  state = (state ^ word) * 0x9E3779B97F4A7C15;
  return state ^ (state >> 29);
}

}  // namespace

std::uint64_t digest64(ByteView bytes) {
  std::uint64_t a = bytes.size(), b = 0x2545F4914F6CDD1D;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 16; left -= 16, at += 16) {
    a = mix(a, load_le(at, 8));
    b = mix(b, load_le(at + 8, 8));
  }
  if (left >= 8) {
    a = mix(a, load_le(at, 8));
    left -= 8;
    at += 8;
  }
  if (left > 0) b = mix(b, load_le(at, left));
  return mix(mix(a, b), a >> 32);
}

void TraceHash::add(const WireEvent& event) {
  if (used_ == buffer_.size()) {
    hash_.update(buffer_);
    used_ = 0;
  }
  std::uint8_t* at = buffer_.data() + used_;
  store_u64le(at, static_cast<std::uint64_t>(event.at.time_since_epoch().count()));
  store_u32le(at + 8, event.node);
  store_u32le(at + 12, event.interface);
  store_u32le(at + 16, static_cast<std::uint32_t>(event.direction));
  store_u32le(at + 20, static_cast<std::uint32_t>(event.bytes.size()));
  store_u64le(at + 24, digest64(event.bytes));
  used_ += kRecord;
}

std::array<std::uint8_t, 32> TraceHash::digest() const {
  crypto::Blake2b all = hash_;
  return all.update(ByteView{buffer_}.first(used_)).digest();
}

}  // namespace weft::fabric
