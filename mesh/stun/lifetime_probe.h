// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "mesh/base/random.h"
#include "mesh/stun/transaction.h"

namespace weft::stun {

/// What a NAT's mapping and filter did after so much silence.
enum class Survival : std::uint8_t {
  pending,
  alive,        // the delayed answer came in
  dead,         // it did not, though its time had come
  unsupported,  // the server answered at once: it does not know RESPONSE-DELAY
};

/// All sockets have been heard or given up. `survived`: the longest silence after which an answer still came in;
/// `died`: the shortest one above it after which none did, nullopt if all came. A keepalive period of 0.8 × `survived`
/// is safe.
struct LifetimeMeasured {
  Duration survived{0};
  std::optional<Duration> died;
  bool supported = true;
  std::map<Duration, Survival> curve;
};

struct LifetimeProbeConfig {
  Endpoint server;  // one that knows RESPONSE-DELAY (attributes.h)
  std::vector<Duration> delays{15s, 25s, 35s, 65s, 95s, 125s, 185s, 305s};  // one throw-away socket each
  /// Unreplied: a socket's only packet outwards is the request itself. Replied: a Binding exchange comes first and,
  /// after `settle`, the request.
  bool replied = false;
  Duration settle = 3s;    // netfilter gives the longer lifetime to flows that are older than 2 s
  int copies = 2;          // of each request, 200 ms apart, so that one lost packet is no dead mapping
  Duration patience = 3s;  // for an answer beyond its delay
};

/// Measures how long a mapping lives without packets: each of a few fresh sockets asks the server to answer after
/// another time. The whole curve takes as long as its last point, 305 s, and two packets per point and copy. Timers per
/// socket: the next copy, the end of patience.
class LifetimeProbe {
 public:
  LifetimeProbe(LifetimeProbeConfig config, Random& random);

  /// Begins; called once, with as many sockets open as there are delays, in their order.
  void start(Time now);
  /// Returns whether the datagram belonged to this probe; anything else is ignored.
  bool handle_datagram(Time now, std::size_t socket, const Endpoint& from, ByteView datagram);
  void handle_timeout(Time now);
  std::optional<SocketDatagram> poll_transmit();
  std::optional<LifetimeMeasured> poll_event();  // one in all
  std::optional<Time> next_deadline() const;
  /// What this socket shows is known, and an answer to each copy has had its time: nothing comes to it any more.
  bool over(Time now, std::size_t socket) const;

 private:
  struct Point {
    Duration delay{0};
    std::unique_ptr<Transaction> opening;  // null: not wanted, or over
    TransactionId id{};
    std::optional<Time> next_copy;
    int copies = 0;
    Time last_sent{};
    std::optional<Time> give_up;
    bool transmit = false;
    Survival survival = Survival::pending;
  };
  void advance(Time now, Point& point);
  void finish(Point& point, Survival survival);
  void settle();

  LifetimeProbeConfig config_;
  std::vector<Point> points_;
  bool finished_ = false;
  std::optional<LifetimeMeasured> event_;
};

}  // namespace weft::stun
