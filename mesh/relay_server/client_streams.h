// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "mesh/base/bytes.h"
#include "mesh/base/time.h"
#include "mesh/relay/hub.h"

namespace weft::io {
class Host;
class Stream;
class Timer;
}  // namespace weft::io

namespace weft::relay_server {

class UdpSockets;

/// A stream that was told to end but whose other side does not read is destroyed after this.
inline constexpr Duration kLinger = 5s;

/// When a stream has relay::kStreamLowWater queued, we look again after this.
inline constexpr Duration kDrainInterval = 5ms;

/// Joins a relay::Hub to the streams of its clients, and to the relay's UDP sockets.
class ClientStreams {
 public:
  /// `sockets` outlives this; it is asked for nothing unless the configuration says UDP.
  ClientStreams(io::Host& host, relay::ServerConfig config, UdpSockets& sockets);
  ~ClientStreams();

  /// A stream past its HTTP upgrade, not started.
  void accept(std::unique_ptr<io::Stream> stream);
  /// What came to the UDP sockets and begins as relay over UDP does.
  void handle_datagrams(std::uint16_t socket, std::span<const DatagramSlot> slots);
  void set_coordinator(const crypto::VerifyKey& coordinator) { hub_.set_coordinator(coordinator); }
  /// The node was removed or expired: its admissions up to then count no more (coordinator's time).
  void revoke(const crypto::PublicKey& node, WallTime until);
  const std::map<crypto::PublicKey, WallTime>& revoked() const { return hub_.revoked(); }
  /// What to add to the host's wall clock to have the coordinator's time, by which admissions expire.
  void set_wall_offset(Duration offset) { wall_offset_ = offset; }

  const relay::HubCounters& counters() const { return hub_.counters(); }
  std::size_t clients() const { return hub_.clients(); }

 private:
  struct Connection {
    std::unique_ptr<io::Stream> stream;
    Bytes unwritten;  // what the stream did not take of the last poll_write()
    bool ending = false;
  };

  void handle_data(relay::SessionId id, ByteView bytes);
  void handle_writable(relay::SessionId id);
  void handle_closed(relay::SessionId id);
  void handle_timer();
  void handle_drain();
  void work();
  void pump(relay::SessionId id, Connection& connection);
  bool write(relay::SessionId id, Connection& connection);
  void end(relay::SessionId id, Connection& connection);
  void arm();

  io::Host& host_;
  relay::Hub hub_;
  UdpSockets& sockets_;
  std::map<relay::SessionId, Connection> connections_;
  std::deque<std::pair<Time, relay::SessionId>> lingering_;
  Duration wall_offset_{0};
  std::unique_ptr<io::Timer> timer_;
  std::optional<Time> armed_;
  std::set<relay::SessionId> waiting_;  // whose streams had no room
  std::unique_ptr<io::Timer> drain_timer_;
};

}  // namespace weft::relay_server
