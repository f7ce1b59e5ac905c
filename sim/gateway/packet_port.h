// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/host/asio_loop.h"
#include "sim/gateway/frame.h"

namespace weft::gateway {

struct PortCounters {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t not_sent = 0;  // the interface was full, down, or the frame too long for it
  std::uint64_t missed = 0;    // by us: the kernel's queue was full (PACKET_STATISTICS)
};

/// All frames of one interface, in batches, through an AF_PACKET socket with PACKET_VNET_HDR, so that super-frames and
/// unfinished checksums of a veth come and go as they are. What this machine sends by other ways is not seen.
class PacketPort {
 public:
  /// Frames arrive writable, header room included (see frame.h), and are the port's again when the handler returns.
  using Handler = std::function<void(MutableByteView frame)>;

  /// Errors: usage without such an interface; refused without CAP_NET_RAW; io.
  static Result<std::unique_ptr<PacketPort>> open(host::AsioLoop& loop, const std::string& interface);
  ~PacketPort();

  /// Calls `on_frame` for each frame of a batch, then `on_batch_end`.
  void start(Handler on_frame, std::function<void()> on_batch_end);
  /// Queues a frame; its memory must stay until flush().
  void send(ByteView frame);
  /// Queues a frame of the caller's.
  void send(Bytes&& frame);
  void flush();

  const Mac& mac() const;
  std::uint32_t mtu() const;
  std::uint32_t index() const;
  const std::string& name() const;
  PortCounters counters();

 private:
  struct State;
  explicit PacketPort(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weft::gateway
