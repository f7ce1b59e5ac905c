// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "mesh/base/packet.h"
#include "mesh/host/packet_arena.h"

namespace weft::host {

/// Headers of one recvmmsg or sendmmsg call.
struct MessageHeaders {
  static constexpr std::size_t kControlSize = 256;
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, kControlSize> bytes;
  };

  std::array<mmsghdr, PacketArena::kBatch> headers;
  std::array<iovec, kMaxBatch> vectors;  // a message may gather several
  std::array<sockaddr_storage, PacketArena::kBatch> names;
  std::array<Control, PacketArena::kBatch> controls;

  /// Gives header `index` the name and the ancillary data of the one before it, for reading only.
  void repeat_ancillary(std::size_t index);
  /// Points header `index` at its name and control buffers and at `length` bytes of content, named by vector `vector`.
  msghdr& prepare(std::size_t index, std::size_t vector, std::uint8_t* content, std::size_t length);
};

/// What the sockets and TUN devices of a loop share: the kernel has read the headers, or they have been parsed into
/// `received`, before anything else runs.
struct DatagramBatch {
  MessageHeaders incoming, outgoing;
  std::size_t used = PacketArena::kBatch;  // incoming headers that must be prepared again
  std::array<DatagramSlot, PacketArena::kBatch> received;
  std::array<PacketSlot, kMaxBatch> packets;  // of a TUN device
};

}  // namespace weft::host
