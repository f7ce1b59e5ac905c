// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "mesh/base/random.h"
#include "mesh/stun/transaction.h"

namespace weft::stun {

/// RFC 4787 §4.3: packets of which direction keep a mapping alive.
enum class Refresh : std::uint8_t { unknown, none, outbound, inbound, both };
std::string_view to_string(Refresh refresh);

struct RefreshProbeConfig {
  Endpoint server;         // one that knows RESPONSE-DELAY
  Duration survived{0};    // as LifetimeProbe measured it with `replied`; not zero
  Duration settle = 3s;    // as there
  Duration patience = 3s;  // for an answer beyond its time
};

/// Tells what refreshes a mapping of known lifetime, on two sockets, in twice that time. On socket 0 nothing goes out
/// after the beginning, and answers come in at 0.95 and 1.9 lifetimes; on socket 1 one request goes out at 0.95 and its
/// answer comes in at 1.9. Timers: the stages in order.
class RefreshProbe {
 public:
  RefreshProbe(RefreshProbeConfig config, Random& random);

  void start(Time now);  // called once, with the two sockets open
  bool handle_datagram(Time now, std::size_t socket, const Endpoint& from, ByteView datagram);
  void handle_timeout(Time now);
  std::optional<SocketDatagram> poll_transmit();
  std::optional<Refresh> poll_event();  // one in all
  std::optional<Time> next_deadline() const;

 private:
  enum Stage : std::uint8_t { opening, settled, half, over };
  void enter(Time now);
  void send(std::size_t socket, std::size_t id, std::optional<Duration> delay);

  RefreshProbeConfig config_;
  std::array<TransactionId, 5> ids_;  // openings of both sockets, early and late answer of 0, answer of 1
  std::array<bool, 5> answered_{};
  Stage stage_ = opening;
  std::optional<Time> deadline_;
  std::vector<SocketDatagram> outgoing_;
  std::optional<Refresh> event_;
};

}  // namespace weft::stun
