// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "mesh/base/bytes.h"
#include "mesh/base/queue.h"

namespace weft::wireguard {

/// Packets that wait for a session, each in a buffer that the transport message needs no other for. Bounded by
/// kMaxStagedPackets and kMaxStagedBytes.
class StagedPackets {
 public:
  /// Copies `packet`, `padded` bytes long when sealed. Returns how many of the oldest had to go for it.
  std::size_t push(ByteView packet, std::size_t padded);
  /// The oldest: kTransportHeaderSize bytes of room, packet and padding, kTagSize bytes of room. Not when empty().
  Bytes pop();
  bool empty() const { return messages_.empty(); }
  /// Returns how many there were.
  std::size_t clear();

 private:
  Queue<Bytes> messages_;
  std::size_t bytes_ = 0;
};

}  // namespace weft::wireguard
