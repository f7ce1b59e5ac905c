// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/base/ip.h"

namespace weft::io {

/// What a stream tells its owner. All run from the event loop, never inside a call of the owner's; each may destroy the
/// stream. on_closed is the last one, and comes exactly once unless the owner destroys the stream first.
struct StreamHandlers {
  std::function<void()> on_connected;           // a client's stream is open; for an accepted one it is not called
  std::function<void(ByteView)> on_data;        // bytes in order, valid during the call
  std::function<void()> on_writable;            // queued() has sunk below half of the limit after a short write
  std::function<void(const Error&)> on_closed;  // ErrorCode::closed if the other side ended it in order
};

/// An ordered, reliable byte stream (TCP; TLS or another filter over it).
class Stream {
 public:
  virtual ~Stream() = default;  // ends the stream at once if close() has not been called

  /// Names the handlers and starts delivery; called once, before anything else.
  virtual void start(StreamHandlers handlers) = 0;
  /// Queues bytes and returns how many were taken: all of them, or fewer once kStreamQueueLimit bytes wait.
  virtual std::size_t write(ByteView bytes) = 0;
  /// Bytes taken but not yet given to the network.
  virtual std::size_t queued() const = 0;
  /// Sends what is queued, then ends the stream; on_closed follows. Nothing can be written afterwards.
  virtual void close() = 0;
  virtual Endpoint local_endpoint() const = 0;
  virtual Endpoint remote_endpoint() const = 0;
};

/// Bytes a stream queues before write() takes less than it is given.
inline constexpr std::size_t kStreamQueueLimit = 256 * 1024;

/// Accepts streams until destroyed.
class StreamListener {
 public:
  virtual ~StreamListener() = default;
  virtual Endpoint local_endpoint() const = 0;
};

using AcceptHandler = std::function<void(std::unique_ptr<Stream>)>;

/// A TCP port by which streams both come in and go out, so that a NAT may give all of them one mapping: a server sees
/// from outside where peers can connect to. Two ports that connect to each other at once become one stream on both
/// sides, each of which connected (RFC 9293 §3.5, figure 8), although NATs hold back what nobody inside has asked for.
class StreamPort {
 public:
  virtual ~StreamPort() = default;  // streams outlive it
  /// The bound address and the port in use.
  virtual Endpoint local_endpoint() const = 0;
  /// As Host::connect, from this port. A second stream to one remote is refused through on_closed.
  virtual std::unique_ptr<Stream> connect(const Endpoint& remote) = 0;
};

}  // namespace weft::io
