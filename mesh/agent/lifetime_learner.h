// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "mesh/agent/core_timer.h"
#include "mesh/base/random.h"
#include "mesh/io/udp_socket.h"
#include "mesh/stun/lifetime_probe.h"

namespace weft::agent {

/// How long the NATs before this host keep an idle mapping of one address family, by answers that a relay's STUN server
/// delays (stun/lifetime_probe.h): eight throw-away sockets, some 24 packets within five minutes; a socket is closed
/// when it has shown what it can. Asked for by the first idle path, so that a host without one sends nothing.
class LifetimeLearner {
 public:
  /// A measurement that failed, or that saw no mapping live through its shortest silence, is repeated after this.
  static constexpr Duration kRetry = 15min;

  LifetimeLearner(io::Host& host, Random& random) : host_(host), random_(random), timer_(host, [this] { advance(); }) {}
  ~LifetimeLearner();

  /// Measures with the help of `server`, unless that is under way or was done since forget().
  void learn(const Endpoint& server);
  /// The network is another one.
  void forget();
  /// Zero: not measured.
  Duration lifetime() const { return lifetime_; }

 private:
  void advance();
  void drain();
  void close_over();
  void finish(const stun::LifetimeMeasured& measured);

  io::Host& host_;
  Random& random_;
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;  // null: closed
  std::unique_ptr<stun::LifetimeProbe> probe_;
  Duration lifetime_{0};
  std::optional<Time> not_before_;
  bool done_ = false;
  CoreTimer timer_;
};

}  // namespace weft::agent
