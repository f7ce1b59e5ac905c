// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/crypto/poly1305_batch.h"

#include <algorithm>
#include <cstring>

#include "mesh/base/assert.h"
#include "mesh/base/bytes.h"
#include "mesh/crypto/keys.h"

namespace weft::crypto {
namespace {

constexpr std::uint64_t kMask44 = (std::uint64_t{1} << 44) - 1;
constexpr std::uint64_t kMask42 = (std::uint64_t{1} << 42) - 1;
constexpr std::size_t kBlock = 16;
constexpr std::size_t kTailBlocks = 4;
__extension__ using Wide = unsigned __int128;

/// A number modulo 2^130 - 5 in limbs of 44, 44 and 42 bits, below 2^131.
struct Element {
  std::uint64_t low, middle, high;
};

Element operator+(const Element& a, const Element& b) { return {a.low + b.low, a.middle + b.middle, a.high + b.high}; }

Element operator*(const Element& a, const Element& b) {
  const std::uint64_t middle20 = b.middle * 20, high20 = b.high * 20;
  const Wide d0 = Wide{a.low} * b.low + Wide{a.middle} * high20 + Wide{a.high} * middle20;
  const Wide d1 = Wide{a.low} * b.middle + Wide{a.middle} * b.low + Wide{a.high} * high20 + (d0 >> 44);
  const Wide d2 = Wide{a.low} * b.high + Wide{a.middle} * b.middle + Wide{a.high} * b.low + (d1 >> 44);
  const std::uint64_t t0 = (static_cast<std::uint64_t>(d0) & kMask44) + static_cast<std::uint64_t>(d2 >> 42) * 5;
  return {t0 & kMask44, (static_cast<std::uint64_t>(d1) & kMask44) + (t0 >> 44),
          static_cast<std::uint64_t>(d2) & kMask42};
}

/// base^exponent, exponent > 0. The exponent is a count of blocks and no secret.
Element power(Element base, std::uint64_t exponent) {
  Element result = base;
  for (exponent -= 1; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = result * base;
    base = base * base;
  }
  return result;
}

/// Moves what each limb has too much into the next, twice around.
void carry(Element& x) {
  for (int round = 0; round < 2; ++round) {
    x.middle += x.low >> 44;
    x.low &= kMask44;
    x.high += x.middle >> 44;
    x.middle &= kMask44;
    x.low += 5 * (x.high >> 42);
    x.high &= kMask42;
  }
  x.middle += x.low >> 44;
  x.low &= kMask44;
}

/// RFC 8439 §2.5.1: x modulo 2^130 - 5, plus s modulo 2^128. Which of x and x - p it is, a mask decides.
void finish(Element x, std::uint8_t* key_and_tag) {
  carry(x);
  Element reduced = {x.low + 5, x.middle, x.high};
  reduced.middle += reduced.low >> 44;
  reduced.low &= kMask44;
  reduced.high += reduced.middle >> 44;
  reduced.middle &= kMask44;
  const std::uint64_t take = 0 - (reduced.high >> 42);
  x.low = (x.low & ~take) | (reduced.low & take);
  x.middle = (x.middle & ~take) | (reduced.middle & take);
  x.high = (x.high & ~take) | (reduced.high & kMask42 & take);
  const std::uint64_t s_low = load_u64le(key_and_tag + 16), s_high = load_u64le(key_and_tag + 24);
  const Wide low = Wide{x.low | x.middle << 44} + s_low;
  store_u64le(key_and_tag, static_cast<std::uint64_t>(low));
  store_u64le(key_and_tag + 8, (x.middle >> 20 | x.high << 24) + s_high + static_cast<std::uint64_t>(low >> 64));
}

/// Blocks of a packet: its ciphertext padded to whole blocks, and its length.
std::uint64_t blocks_of(const Poly1305Packet& packet) { return (packet.length + kBlock - 1) / kBlock + 1; }

/// One run of a packet from block `first` on into the next lane. `r` has two words.
void add_run(Poly1305Lanes& lanes, const Poly1305Packet& packet, const std::uint64_t* r, std::uint64_t first,
             std::uint64_t blocks) {
  const std::size_t lane = lanes.count++;
  lanes.r[0][lane] = r[0];
  lanes.r[1][lane] = r[1];
  lanes.blocks[lane] = blocks;
  lanes.data[lane] = packet.data + kBlock * first;
  const std::uint64_t in_tail = std::min<std::uint64_t>(blocks, kTailBlocks);
  const std::uint64_t from = kBlock * (first + blocks - in_tail);
  std::uint8_t* const tail = lanes.tail[lane] + kBlock * (kTailBlocks - in_tail);
  const bool last = first + blocks == blocks_of(packet);
  std::memset(lanes.tail[lane], 0, sizeof lanes.tail[lane]);
  if (packet.length > from) std::memcpy(tail, packet.data + from, std::min(packet.length - from, kBlock * in_tail));
  if (last) store_u64le(lanes.tail[lane] + 56, packet.length);
}

/// How a packet is cut: the first run takes what the division leaves.
struct Cut {
  std::size_t runs;
  std::uint64_t blocks;  // of each run but the first
};

Cut cut_of(const Poly1305Packet& packet, std::size_t most) {
  const std::uint64_t blocks = blocks_of(packet);
  std::size_t runs = most;
  while (runs > 1 && blocks / runs < kTailBlocks) runs /= 2;
  return {runs, blocks / runs};
}

void add_packet(Poly1305Lanes& lanes, const Poly1305Packet& packet, const Cut& cut) {
  const std::uint64_t r[2] = {load_u64le(packet.key.data()) & 0x0ffffffc0fffffff,
                              load_u64le(packet.key.data() + 8) & 0x0ffffffc0ffffffc};
  const std::uint64_t front = blocks_of(packet) - (cut.runs - 1) * cut.blocks;
  add_run(lanes, packet, r, 0, front);
  for (std::size_t i = 1; i < cut.runs; ++i) add_run(lanes, packet, r, front + (i - 1) * cut.blocks, cut.blocks);
}

Element hash_of(const Poly1305Lanes& lanes, std::size_t lane) {
  return {lanes.hash[0][lane], lanes.hash[1][lane], lanes.hash[2][lane]};
}

/// The hash of a packet whose runs begin in `lane`.
Element join(const Poly1305Lanes& lanes, std::size_t lane, const Cut& cut) {
  Element hash = hash_of(lanes, lane);
  if (cut.runs == 1) return hash;
  const std::uint64_t low = lanes.r[0][lane], high = lanes.r[1][lane];
  const Element step = power({low & kMask44, (low >> 44 | high << 20) & kMask44, high >> 24}, cut.blocks);
  for (std::size_t i = 1; i < cut.runs; ++i) hash = hash * step + hash_of(lanes, lane + i);
  return hash;
}

/// Runs per packet: a power of two.
std::size_t runs_per_packet(std::size_t width, std::size_t packets) {
  std::size_t runs = 1;
  while (2 * runs * packets <= width) runs *= 2;
  return runs;
}

}  // namespace

void poly1305_tags(const Poly1305Kernel& kernel, std::span<Poly1305Packet> packets) {
  WEFT_ASSERT(packets.size() <= Poly1305Lanes::kLanes);
  const std::size_t most = runs_per_packet(kernel.width, packets.size());
  Poly1305Lanes lanes;
  lanes.count = 0;
  for (const Poly1305Packet& packet : packets) add_packet(lanes, packet, cut_of(packet, most));
  for (std::size_t lane = lanes.count; lane < Poly1305Lanes::kLanes; ++lane) {
    lanes.r[0][lane] = lanes.r[1][lane] = lanes.blocks[lane] = 0;
    lanes.data[lane] = nullptr;
    std::memset(lanes.tail[lane], 0, sizeof lanes.tail[lane]);
  }
  kernel.run(lanes);
  std::size_t lane = 0;
  for (Poly1305Packet& packet : packets) {
    const Cut cut = cut_of(packet, most);
    finish(join(lanes, lane, cut), packet.key.data());
    lane += cut.runs;
  }
  wipe({reinterpret_cast<std::uint8_t*>(lanes.r), sizeof lanes.r});
}

}  // namespace weft::crypto
