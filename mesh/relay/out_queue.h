// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "mesh/relay/frame.h"

namespace weft::relay {

/// Default bound on what waits in a session for its stream.
inline constexpr std::size_t kQueueLimit = 128 * 1024;
/// Owners of a session take from poll_write() only while the stream has fewer bytes queued: what waits, waits in the
/// bounded queue of the session, where it is dropped at the tail. With kQueueLimit it keeps below
/// io::kStreamQueueLimit.
inline constexpr std::size_t kStreamLowWater = 32 * 1024;
/// Bound on control frames that wait; they have a queue of their own, so that a full one of datagrams neither stops nor
/// delays a ping.
inline constexpr std::size_t kControlLimit = 4 * 1024;

/// Frames that wait for a stream, bounded: a datagram that does not fit is dropped and counted.
class OutQueue {
 public:
  explicit OutQueue(std::size_t limit = kQueueLimit) : limit_(limit) {}

  /// False, and nothing queued, if the frame would exceed the bound.
  bool push_datagram(FrameType type, const crypto::PublicKey& key, ByteView datagram);
  /// Goes ahead of all datagrams. False, and nothing queued, if the control frames would exceed kControlLimit.
  bool push_control(FrameType type, ByteView first, ByteView second = {});
  /// All that waits; nullopt if nothing does.
  std::optional<Bytes> take();
  /// Forgets the datagrams that wait.
  void drop_datagrams() { datagrams_ = Bytes(); }

  bool empty() const { return control_.empty() && datagrams_.empty(); }
  std::uint64_t dropped() const { return dropped_; }

 private:
  Bytes control_;
  Bytes datagrams_;
  std::size_t limit_;
  std::uint64_t dropped_ = 0;
};

}  // namespace weft::relay
