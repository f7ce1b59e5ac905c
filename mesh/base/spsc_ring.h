// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

#include "mesh/base/assert.h"

namespace weft {

/// A bounded queue from one thread to one other, without a lock. Its places are made once and used in place: the
/// producer fills what claim() gives and calls publish(); the consumer looks at what waits and calls release().
template <typename T>
class SpscRing {
 public:
  /// `capacity` is a power of two.
  explicit SpscRing(std::size_t capacity) : places_(capacity) {
    WEFT_ASSERT(capacity > 0 && (capacity & (capacity - 1)) == 0);
  }
  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;

  std::size_t capacity() const { return places_.size(); }
  /// Before either thread uses the ring.
  T& place(std::size_t index) { return places_[index]; }

  // Of the producer.

  /// The place of the next item; null while the ring is full.
  T* claim() {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - seen_head_ == places_.size()) {
      seen_head_ = head_.load(std::memory_order_acquire);
      if (tail - seen_head_ == places_.size()) return nullptr;
    }
    return &places_[tail & (places_.size() - 1)];
  }
  void publish() { tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
  /// False, and `item` as it was, if the ring is full.
  bool push(T& item) {
    T* const at = claim();
    if (at == nullptr) return false;
    *at = std::move(item);
    publish();
    return true;
  }

  // Of the consumer.

  /// How many items wait.
  std::size_t size() const { return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_relaxed); }
  /// The n-th that waits; `n` is below what size() said.
  T& peek(std::size_t n) { return places_[(head_.load(std::memory_order_relaxed) + n) & (places_.size() - 1)]; }
  /// Gives the places of the first `count` back.
  void release(std::size_t count) {
    head_.store(head_.load(std::memory_order_relaxed) + count, std::memory_order_release);
  }
  bool pop(T& item) {
    if (size() == 0) return false;
    item = std::move(peek(0));
    release(1);
    return true;
  }

 private:
  static constexpr std::size_t kLine = 64;  // of a processor's cache

  std::vector<T> places_;
  alignas(kLine) std::atomic<std::size_t> head_{0};  // the consumer's
  alignas(kLine) std::atomic<std::size_t> tail_{0};  // the producer's
  std::size_t seen_head_ = 0;                        // by the producer
};

}  // namespace weft
