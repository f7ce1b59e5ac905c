// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/relay/server_session.h"
#include "mesh/relay/udp_table.h"

namespace weft::relay {

struct HubCounters {
  std::uint64_t forwarded = 0;
  std::uint64_t forwarded_bytes = 0;
  std::uint64_t absent = 0;   // receiver not connected
  std::uint64_t dropped = 0;  // receiver's queue full
  std::uint64_t admitted = 0;
  std::uint64_t refused = 0;  // closed by us, whatever the reason
  // Of those forwarded: from UDP to UDP, from UDP to a stream, from a stream to UDP.
  std::uint64_t udp = 0, udp_to_stream = 0, stream_to_udp = 0;
  std::uint64_t udp_refused = 0;  // on no channel of the address they came from
  std::uint64_t dialled = 0;      // datagrams sent on request, and requests refused
  std::uint64_t dials_refused = 0;
};

/// Datagrams, or runs of them, for other clients over UDP: windows of slots that came in. By the number of the socket
/// that they are to leave by.
using UdpForwards = std::span<std::vector<DatagramSlot>>;

struct UdpDatagram {
  UdpAddress to;
  Bytes bytes;
};

/// One datagram to a port of a client, from a socket that has never been used (dial_back.h).
struct Dial {
  Endpoint to;
  std::array<std::uint8_t, kDialSize> bytes;
};

/// All clients of one relay: takes their streams' bytes and forwards datagrams between them by public key. One live
/// session per node key; the newest wins. A slow receiver loses datagrams at its own bounded queue and holds nobody
/// else up. After each handle_* the owner empties poll_work(): for each session named it writes poll_write() while the
/// stream has room (kStreamLowWater), and if closed() then ends the stream and calls remove().
///
/// Over UDP (ServerConfig::udp): what comes from a bound address on one of its channels goes to the peer's address, in
/// place, or to its stream if it has none that is bound. A pair's channels are opened by its first datagram on a stream
/// while a side is bound. The owner calls forward() with what its sockets received and sends what that returns, then
/// empties poll_datagram() and poll_work().
class Hub {
 public:
  Hub(ServerConfig config, Entropy& entropy);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// Whose admissions count from now on; sessions admitted before stay until their admission expires.
  void set_coordinator(const crypto::VerifyKey& coordinator) { config_.coordinator = coordinator; }

  /// Admissions of `node` that end by `until` are void from now on; its session ends if it has shown such a one.
  void revoke(const crypto::PublicKey& node, WallTime until, WallTime wall_now);
  /// For ServerConfig::revoked of the next start.
  const std::map<crypto::PublicKey, WallTime>& revoked() const { return config_.revoked; }

  /// `from`: the address at the other end of the stream; unspecified: unknown.
  SessionId open(Time now, const IpAddress& from = {});
  /// The stream is gone or has been closed; forgets the session.
  void remove(SessionId id);
  void handle_data(Time now, WallTime wall_now, SessionId id, ByteView bytes);
  void handle_timeout(Time now);
  std::optional<Time> next_deadline() const;

  /// Datagrams, or runs of them, that came to the owner's socket number `socket` and begin with kUdpMagic. What is
  /// returned is to be sent at once: it points into the slots, and is valid until the next call.
  UdpForwards forward(std::uint16_t socket, std::span<const DatagramSlot> slots);
  /// An answer, or what came by a stream for a client that is bound.
  std::optional<UdpDatagram> poll_datagram();

  /// What the owner sends from a fresh socket each.
  std::optional<Dial> poll_dial();

  /// A session that has something to write or is closed; each is named once until something new happens to it.
  std::optional<SessionId> poll_work();
  std::optional<Bytes> poll_write(SessionId id);
  bool closed(SessionId id) const;

  std::size_t sessions() const { return sessions_.size(); }
  /// Clients that are admitted now.
  std::size_t clients() const { return by_key_.size(); }
  const HubCounters& counters() const { return counters_; }

 private:
  struct Entry {
    ServerSession session;
    IpAddress from;  // of the stream
    std::optional<Time> scheduled;
    bool queued = false;  // in work_
  };
  void admitted(SessionId id, const ServerSession& session);
  void forward(SessionId id, Entry& sender, const Addressed& addressed);
  bool forward_by_udp(SessionId id, Entry& sender, SessionId receiver_id, Entry& receiver, ByteView datagram);
  /// Datagrams of one channel behind one another, as they came.
  struct Run {
    UdpChannel channel = 0;
    Slot slot;
    std::uint32_t step = 0;  // length of each but the last
    std::uint32_t count() const { return (slot.length + step - 1) / step; }
  };
  /// Where a channel leads. Holds within one forward(), until anything but forwarding is done.
  struct Route {
    UdpChannel channel = 0;  // 0: none is known
    Endpoint from;
    UdpChannel back = 0;
    UdpAddress to;
  };
  void forward_run(std::uint16_t socket, const DatagramMeta& meta, const Run& run);
  /// False if the run is not to be forwarded over UDP, and has been seen to.
  bool find_route(std::uint16_t socket, const DatagramMeta& meta, const Run& run);
  void bridge(UdpTable::Channel& channel, SessionId receiver_id, Entry& receiver, const Run& run);
  void dial_back(Time now, SessionId id, Entry& entry, const DialRequest& request);
  /// The channels of a pair, told to those sides that are bound.
  void open_channels(SessionId a_id, Entry& a, SessionId b_id, Entry& b);
  void tell(SessionId id, Entry& entry, UdpTable::Channel* channel);
  void touch(SessionId id, Entry& entry);
  void reschedule(SessionId id, Entry& entry);
  void forget_key(SessionId id, const ServerSession& session);

  ServerConfig config_;
  Entropy& entropy_;
  SessionId last_id_ = 0;
  std::map<SessionId, Entry> sessions_;
  std::unordered_map<crypto::PublicKey, SessionId> by_key_;
  std::set<std::pair<Time, SessionId>> deadlines_;
  std::deque<SessionId> work_;
  UdpTable udp_;
  std::vector<std::vector<DatagramSlot>> forwards_;
  Route route_;
  std::deque<UdpDatagram> datagrams_;
  DialLimiter dial_limiter_;
  std::deque<Dial> dials_;
  HubCounters counters_;
};

}  // namespace weft::relay
