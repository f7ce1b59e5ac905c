// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/packet_arena.h"

#include <sys/mman.h>

#include "mesh/base/assert.h"

namespace weft::host {

PacketArena::~PacketArena() {
  if (base_ != nullptr) ::munmap(base_, kBatch * kSlotSize);
}

std::uint8_t* PacketArena::memory() {
  if (base_ == nullptr) {
    void* memory =
        ::mmap(nullptr, kBatch * kSlotSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    WEFT_ASSERT(memory != MAP_FAILED);
    ::madvise(memory, kBatch * kSlotSize, MADV_NOHUGEPAGE);  // a huge page would touch 2 MB for one datagram
    base_ = static_cast<std::uint8_t*>(memory);
  }
  return base_;
}

Slot PacketArena::slot(std::size_t index) {
  WEFT_ASSERT(index < kBatch);
  return {.arena = memory() + index * kSlotSize,
          .capacity = static_cast<std::uint32_t>(kSlotSize),
          .offset = static_cast<std::uint32_t>(kSlotHeadRoom),
          .length = 0};
}

MutableByteView PacketArena::slab(std::size_t first) {
  WEFT_ASSERT(first < kBatch);
  return {memory() + first * kSlotSize, (kBatch - first) * kSlotSize};
}

}  // namespace weft::host
