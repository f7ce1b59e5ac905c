// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "mesh/base/random.h"
#include "mesh/stun/transaction.h"

namespace weft::stun {

/// RFC 4787 §6: whether siblings behind one NAT reach each other by their external endpoints, and as whom.
enum class Hairpinning : std::uint8_t { unknown, none, internal_source, external_source };
std::string_view to_string(Hairpinning hairpinning);

struct HairpinProbeConfig {
  Endpoint server;
  Timing timing{.rto = 250ms, .sends = 4, .last_wait = 2};
  Duration gap = 200ms;  // between rounds
  int rounds = 4;
  std::optional<Prefix> nat64_prefix{};  // as DiscoveryConfig's
};

/// Two sockets learn their external endpoints from a server and send to each other's, several rounds, so that each
/// side's filter has seen the other. Nothing is sent to an endpoint of another address than the server told. A NAT that
/// gives another endpoint for each destination is `none` here, as it is for peers. Timers: transactions, the next
/// round.
class HairpinProbe {
 public:
  HairpinProbe(HairpinProbeConfig config, Random& random);

  /// Begins; called once. `local`: the two sockets' own endpoints.
  void start(Time now, const std::array<Endpoint, 2>& local);
  /// Returns whether the datagram belonged to this probe; anything else is ignored.
  bool handle_datagram(Time now, std::size_t socket, const Endpoint& from, ByteView datagram);
  void handle_timeout(Time now);
  std::optional<SocketDatagram> poll_transmit();
  std::optional<Hairpinning> poll_event();  // one in all
  std::optional<Time> next_deadline() const;

 private:
  void settle(Time now);
  void finish(Hairpinning result);

  HairpinProbeConfig config_;
  std::array<Endpoint, 2> local_;
  std::array<std::optional<Transaction>, 2> learning_;
  std::array<std::optional<Endpoint>, 2> external_;
  std::array<TransactionId, 2> ids_;  // of what each socket sends to the other
  std::array<bool, 2> transmit_{};
  int round_ = 0;
  std::optional<Time> next_round_;
  bool finished_ = false;
  std::optional<Hairpinning> event_;
};

}  // namespace weft::stun
