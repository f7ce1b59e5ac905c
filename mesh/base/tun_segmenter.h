// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/packet.h"

namespace weft {

/// Fills in the transport checksum of a packet that needs no cutting, if a TUN device left that to us. False: what the
/// offload says does not fit the packet.
bool finish_checksum(MutableByteView packet, const PacketOffload& offload);

/// Does what a TUN device left to us: cuts a TCP or UDP super-packet into the packets that the interface's MTU allows,
/// each with right lengths, sequence number, flags (FIN and PSH on the last only, CWR on the first only, RFC 3168
/// §6.1.2), IPv4 identification and checksums; or fills in the transport checksum of a single packet.
class TunSegmenter {
 public:
  /// `packet` outlives the segmenter. nullopt: what the offload says does not fit the packet.
  static std::optional<TunSegmenter> create(ByteView packet, const PacketOffload& offload);

  bool done() const { return next_ >= packet_.size(); }
  /// Of the packet that write_next() writes.
  std::size_t next_length() const;
  /// Writes next_length() bytes to `out`.
  void write_next(std::uint8_t* out);

 private:
  TunSegmenter(ByteView packet, const PacketOffload& offload, std::size_t headers);
  std::size_t payload_length() const;
  bool v4() const { return packet_[0] >> 4 == 4; }
  void patch_ip(std::uint8_t* out, std::size_t length) const;
  void patch_tcp(std::uint8_t* out, bool first, bool last) const;
  void write_checksum(std::uint8_t* out, std::size_t length) const;

  ByteView packet_;
  PacketOffload offload_;
  std::size_t headers_;        // bytes that every packet gets; 0 if there is nothing to cut
  std::size_t next_;           // where the next payload begins
  std::uint32_t written_ = 0;  // packets so far
};

}  // namespace weft
