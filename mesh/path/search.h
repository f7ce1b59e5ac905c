// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"
#include "mesh/path/port_pattern.h"
#include "mesh/path/strategy.h"

namespace weft::path {

/// A throw-away socket that the owner has opened.
struct SearchSocket {
  std::uint16_t index = 0;  // in the datagram multiplexer
  std::uint16_t port = 0;   // its own, not the NAT's
};

/// What the owner provides, once: sockets, and the external port of one more socket that sends before any other packet
/// of the search does (`sample`).
struct SearchNeed {
  std::size_t sockets = 0;
  IpFamily family = IpFamily::v4;
  bool sample = false;
};

struct SearchSetup {
  Strategy strategy;
  NatFacts own;
  NatFacts peer;
  std::uint16_t socket = 0;  // our lasting one of that family
  Endpoint remote;           // the peer's reflexive endpoint: attested, so its address may be probed
  bool first = false;        // our key id is the smaller one
};

/// One search for a port that no server can tell, as one side sees it (reference/nat-traversal.md §2.6 to 2.8). Four
/// parts are played:
///   opener of a one-sided search   opens sockets, each with a packet to the peer's endpoint whose TTL ends behind our
///                                  NATs, so that it cannot be held against us there; then offers its pattern
///   seeker of a one-sided search   hears the offer, sends from its lasting socket to the ports of the pattern
///   both of a two-sided search     open, exchange offers, then send in an order in which guesses meet: in sequence
///                                  against sequence the first side steps by one and the other by two (baby step, giant
///                                  step), so whatever others allocate meanwhile, one pair of packets meets
/// Of two sides with unknown ports where one can foretell its port for the peer's address, that one seeks from a fresh
/// socket, whose port it lists, and the other one opens towards it.
/// Ends by the owner at the first authenticated hit, or when all is sent and waited for.
class Search {
 public:
  static constexpr std::size_t kMaxSockets = 512;
  static constexpr std::size_t kMaxGuesses = 1000;
  /// Opening beyond this waits until the seeker has been told to begin.
  static constexpr std::size_t kOrderedSockets = 4;
  static constexpr std::size_t kSequenceGuesses = 250;
  /// Credit left for the answers that a hit needs.
  static constexpr int kKeepCredit = 10;

  struct Shot {
    PathId path;
    std::uint8_t ttl = 0;  // 0: the host's default
  };

  Search(Time now, const SearchSetup& setup, Random& random);

  /// The mappings that an opener may make at most.
  std::uint32_t mappings() const;
  std::optional<SearchNeed> poll_need();
  void handle_sockets(Time now, std::vector<SearchSocket> sockets);
  void handle_sample(Time now, std::uint16_t port);
  void handle_offer(Time now, const SearchOffer& offer);
  std::optional<SearchOffer> poll_offer();

  /// The next packet if it is due, without regard to the budget.
  std::optional<Shot> take_due(Time now);
  /// When take_due() has something next, or the end.
  std::optional<Time> next_deadline() const;
  /// Everything was tried, or the other side does not play its part.
  bool finished(Time now) const { return now >= ends_; }
  bool sent_all() const { return next_shot_ == shots_.size(); }
  bool opens() const { return setup_.strategy.we_open; }
  std::size_t shots() const { return next_shot_; }

 private:
  bool two_sided() const { return setup_.strategy.method == Strategy::Method::two_sided_search; }
  bool steps_from_listed_ports() const;
  bool seeks_in_range() const;
  bool opens_for_seeker() const;
  std::size_t guesses_in(const PortRange& range) const;
  void plan_opening();
  void open_sockets(Time now, std::uint16_t port);
  void wait_for_guesses(Time now, std::size_t guesses);
  void make_offer(Time now);
  void seek(Time now, const SearchOffer& offer);
  void seek_from(Time now, std::uint16_t socket, const std::vector<std::uint16_t>& ports, bool repeat = false);
  void meet(Time now);
  void add(std::uint16_t socket, std::uint16_t port, std::uint8_t ttl = 0);
  void pace(Time start, Duration interval);

  struct Planned {
    std::uint16_t socket = 0;
    std::uint16_t port = 0;
    std::uint8_t ttl = 0;
    Time at;
  };

  SearchSetup setup_;
  Random& random_;
  std::size_t sockets_wanted_ = 0;
  std::size_t guesses_ = 0;      // that we ask the seeker for
  std::size_t offer_after_ = 0;  // shots
  bool needs_told_ = false;
  std::vector<SearchSocket> sockets_;
  std::optional<std::uint16_t> sample_;
  std::optional<SearchOffer> theirs_;
  bool offered_ = false, met_ = false;
  std::optional<SearchOffer> offer_;  // to be polled
  std::vector<Planned> shots_;
  std::size_t next_shot_ = 0;
  Time ends_;
};

}  // namespace weft::path
