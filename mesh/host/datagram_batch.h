// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <optional>

#include "mesh/base/packet.h"
#include "mesh/base/time.h"
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

/// Switches on all ancillary data that parse_control() reads, the error queue, and UDP_GRO where the kernel knows it.
void enable_ancillary_data(int fd, IpFamily family);

/// Fills `meta` from the ancillary data of a received message; `meta.destination.port` is left alone. Returns when the
/// message came to the machine, if the kernel says.
std::optional<WallTime> parse_control(const msghdr& message, DatagramMeta& meta);

/// Fills `meta.icmp` from a message of the error queue, whose name is the destination of the datagram it is about.
/// False if the error did not come from ICMP.
bool parse_error(const msghdr& message, const Endpoint& local, DatagramMeta& meta);

/// Writes the ancillary data that `meta` asks for into the control buffer of `message` and shrinks msg_controllen to
/// it. `segment_size` other than 0 asks for UDP_SEGMENT.
void write_control(const DatagramMeta& meta, IpFamily family, std::uint16_t segment_size, msghdr& message);

}  // namespace weft::host
