// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "mesh/relay/server_session.h"

namespace weft::relay {

/// Never 0, never reused.
using SessionId = std::uint64_t;

struct HubCounters {
  std::uint64_t forwarded = 0;
  std::uint64_t forwarded_bytes = 0;
  std::uint64_t absent = 0;   // receiver not connected
  std::uint64_t dropped = 0;  // receiver's queue full
  std::uint64_t admitted = 0;
  std::uint64_t refused = 0;  // closed by us, whatever the reason
};

/// All clients of one relay: takes their streams' bytes and forwards datagrams between them by public key. One live
/// session per node key; the newest wins. A slow receiver loses datagrams at its own bounded queue and holds nobody
/// else up. After each handle_* the owner empties poll_work(): for each session named it writes poll_write() while the
/// stream has room (kStreamLowWater), and if closed() then ends the stream and calls remove().
class Hub {
 public:
  Hub(ServerConfig config, Entropy& entropy);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// Whose admissions count from now on; sessions admitted before stay until their admission expires.
  void set_coordinator(const crypto::VerifyKey& coordinator) { config_.coordinator = coordinator; }

  /// Admissions of `node` that end by `until` are void from now on; its session ends if it has shown such a one.
  void revoke(const crypto::PublicKey& node, WallTime until, WallTime wall_now);

  SessionId open(Time now);
  /// The stream is gone or has been closed; forgets the session.
  void remove(SessionId id);
  void handle_data(Time now, WallTime wall_now, SessionId id, ByteView bytes);
  void handle_timeout(Time now);
  std::optional<Time> next_deadline() const;

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
    std::optional<Time> scheduled;
    bool queued = false;  // in work_
  };
  void admitted(SessionId id, const ServerSession& session);
  void forward(Entry& sender, const Addressed& addressed);
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
  HubCounters counters_;
};

}  // namespace weft::relay
