// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/bytes.h"
#include "mesh/base/packet.h"

namespace weft::host {

/// The memory that packets and stream bytes arrive in, one for all sockets of a loop, since a handler runs to its end
/// before the next read. Address space is reserved on first use and a page costs memory only once it has been written,
/// so 64 KiB slots are free for those who receive small packets.
class PacketArena {
 public:
  /// Packets of one read call. Small: an idle agent touches few pages, and beyond 32 the saving per call is under 1 %.
  static constexpr std::size_t kBatch = 32;
  static constexpr std::size_t kSlotSize = 64 * 1024 + 2048;

  PacketArena() = default;
  PacketArena(const PacketArena&) = delete;
  PacketArena& operator=(const PacketArena&) = delete;
  ~PacketArena();

  /// Slot `index` (below kBatch), empty, with kSlotHeadRoom before its content.
  Slot slot(std::size_t index);
  /// The memory of slot `first` and of all behind it, for packets that are laid out by their reader.
  MutableByteView slab(std::size_t first);
  /// Most bytes that slot() takes while keeping kSlotTailRoom.
  static constexpr std::size_t content_limit() { return kSlotSize - kSlotHeadRoom - kSlotTailRoom; }

 private:
  std::uint8_t* memory();

  std::uint8_t* base_ = nullptr;
};

}  // namespace weft::host
