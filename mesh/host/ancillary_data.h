// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "mesh/base/packet.h"
#include "mesh/base/time.h"

namespace weft::host {

/// Switches on the ancillary data that AncillaryReader reads, the error queue, and UDP_GRO where the kernel knows it.
/// `local`: what the socket is bound to; the address that a datagram was sent to is told if it is not that one. `ttl`:
/// as io::UdpOptions::tell_ttl.
void enable_ancillary_data(int fd, const IpAddress& local, bool ttl);

/// Reads what the kernel says beside the content of the datagrams that a socket receives. Datagrams of one batch mostly
/// have one sender and the same ancillary data but for the time, so what was parsed last is kept and compared as bytes.
class AncillaryReader {
 public:
  /// `local`: what the socket is bound to; its port is every datagram's destination port.
  explicit AncillaryReader(const Endpoint& local) : local_(local) {}

  struct Message {
    const DatagramMeta& meta;         // until the next call
    std::optional<WallTime> arrival;  // when it came to the machine, if the kernel says
  };
  Message read(const msghdr& message);

 private:
  /// Bytes of an earlier message; too many of them are like none.
  class Memory {
   public:
    bool is(const std::uint8_t* bytes, std::size_t length) const {
      return length == length_ && std::memcmp(bytes, bytes_.data(), length) == 0;
    }
    void remember(const std::uint8_t* bytes, std::size_t length) {
      length_ = length <= bytes_.size() ? length : SIZE_MAX;
      if (length <= bytes_.size()) std::copy_n(bytes, length, bytes_.begin());
    }

   private:
    std::array<std::uint8_t, 128> bytes_;
    std::size_t length_ = SIZE_MAX;
  };

  Endpoint local_;
  Memory name_, data_;
  DatagramMeta meta_;
};

/// Fills `meta.icmp` from a message of the error queue, whose name is the destination of the datagram it is about.
/// False if the error did not come from ICMP.
bool parse_error(const msghdr& message, const Endpoint& local, DatagramMeta& meta);

/// Writes the ancillary data that `meta` asks for into the control buffer of `message` and shrinks msg_controllen to
/// it. `segment_size` other than 0 asks for UDP_SEGMENT.
void write_control(const DatagramMeta& meta, IpFamily family, std::uint16_t segment_size, msghdr& message);

}  // namespace weft::host
