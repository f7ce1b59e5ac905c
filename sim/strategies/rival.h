// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mesh/base/deadlines.h"
#include "mesh/base/ip.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"

namespace weft::strategies {

/// What one side knows when traffic wants the peer.
struct Ground {
  bool first = false;                   // it is the one whose packet wants the peer
  std::vector<Endpoint> hosts;          // our own addresses
  std::optional<Endpoint> reflexive{};  // of the lasting socket; nullopt: no STUN server has answered
  bool varies = false;                  // two STUN servers saw two ports
  Endpoint local{};                     // of the lasting socket
};

/// A message through the relay; what its step and fields mean is the strategy's.
struct Signal {
  enum class Step : std::uint8_t { offer, answer, sync };
  Step step = Step::offer;
  std::vector<Endpoint> candidates;
  bool varies = false;
  bool untranslated = false;  // the candidate is an address of the host
};

/// A path probe, asked for.
struct Shot {
  std::uint16_t socket = 0;  // 0: the lasting one; any other number: a throw-away one of its own
  Endpoint to;
  bool noise = false;  // nothing that anybody answers: it only opens our NAT
};

/// One side of a pair as another product or a paper goes about it. Sans-IO with the verbs of a core. Pings that come in
/// are authentic, and have been answered by the owner; the first answer to a ping of ours ends the search.
class Rival {
 public:
  Rival(Ground ground, Random& random) : ground_(std::move(ground)), random_(random) {}
  virtual ~Rival() = default;

  virtual void start(Time now) = 0;
  virtual void handle_signal(Time now, const Signal& signal) = 0;
  virtual void handle_ping(Time /*now*/, const Shot& /*heard*/) {}
  /// What wake() asked for.
  virtual void handle_wake(Time /*now*/) {}

  void handle_timeout(Time now);
  std::optional<Shot> poll_transmit(Time now);
  std::optional<Signal> poll_signal();
  std::optional<Time> next_deadline() const;
  /// Nothing more will be tried.
  bool gave_up(Time now) const { return now >= ends_; }

 protected:
  void shoot(Time at, const Endpoint& to, std::uint16_t socket = 0, bool noise = false);
  void signal(Signal signal) { signals_.push_back(std::move(signal)); }
  void wake(Time at) { wake_ = at; }
  void try_until(Time end) { ends_ = end; }

  const Ground ground_;
  Random& random_;

 private:
  std::multimap<Time, Shot> shots_;
  std::deque<Signal> signals_;
  std::optional<Time> wake_;
  Time ends_ = Time::max();
};

/// Connectivity checks as in RFC 8445: offer and answer with host and server-reflexive candidates, one check each 50
/// ms, retransmitted as RFC 8489 says, triggered checks. Private candidates are probed like all others.
std::unique_ptr<Rival> make_ice(Ground ground, Random& random);
/// A mesh VPN that knows one bit of its NAT, whether the mapping varies: both sides probe all addresses once when one
/// calls the other through the relay, and again each 5 s; a ping heard adds an address and triggers none. With the bit
/// set, the reflexive address with the own port is tried as well, in case somebody forwards it.
std::unique_ptr<Rival> make_disco(Ground ground, Random& random);
/// libp2p's Direct Connection Upgrade through Relay: CONNECT both ways, SYNC, and a dial half a round trip later, in up
/// to three attempts. A mapping that varies is observed by too few to be an address, so there is nothing to dial.
std::unique_ptr<Rival> make_dcutr(Ground ground, Random& random);
/// Simultaneous open, and where one mapping varies the birthday search of the literature: 256 sockets on that side,
/// 1,024 ports drawn from all on the other, 200 a second, no blocks, no roles, no limited TTL.
std::unique_ptr<Rival> make_birthday(Ground ground, Random& random);

using MakeRival = std::unique_ptr<Rival> (*)(Ground, Random&);
/// By its name on the command line: ice, disco, dcutr, birthday; nullptr for any other.
MakeRival rival_named(std::string_view name);

}  // namespace weft::strategies
