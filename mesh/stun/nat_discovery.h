// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <variant>
#include <vector>

#include "mesh/base/queue.h"
#include "mesh/base/random.h"
#include "mesh/stun/transaction.h"

namespace weft::stun {

/// How a NAT chooses the external endpoint for further destinations (RFC 4787 §4.1), as far as the servers can tell.
enum class Mapping : std::uint8_t {
  unknown,                 // no answer, or one server endpoint only
  unknown_beyond_address,  // same for all ports of one server address; no second address to ask
  unknown_but_dependent,   // differs between addresses; no second port to tell how
  endpoint_independent,
  address_dependent,
  address_and_port_dependent,
};
/// Whose packets a NAT lets in (RFC 4787 §5), as far as the servers can tell.
enum class Filtering : std::uint8_t {
  unknown,                 // no server can answer from another endpoint
  unknown_beyond_address,  // not by port; no server can answer from another address
  unknown_but_dependent,   // by address at least; the server has no other port at its address
  endpoint_independent,
  address_dependent,
  address_and_port_dependent,
};
/// The words of RFC 4787 in snake_case, as the values' names.
std::string_view to_string(Mapping mapping);
std::string_view to_string(Filtering filtering);

/// Which of the owner's sockets a test uses. Mapping tests run on the shared socket, the one that peers will reach, so
/// their answers are its reflexive candidates. Filtering tests need a socket that has sent nothing else, or the mapping
/// tests open the filters.
enum class TestSocket : std::uint8_t { shared, fresh };

struct DiscoveryDatagram {
  TestSocket socket = TestSocket::shared;
  Endpoint destination;
  Bytes bytes;
};

/// A server sees the shared socket as `mapped`. Comes once for each server endpoint that answers.
struct ReflexiveFound {
  Endpoint server;
  Endpoint mapped;
};
/// All tests are over.
struct DiscoveryFinished {
  Mapping mapping = Mapping::unknown;
  Filtering filtering = Filtering::unknown;
  bool udp_blocked = false;  // no server answered anything
};
using DiscoveryEvent = std::variant<ReflexiveFound, DiscoveryFinished>;

struct DiscoveryConfig {
  /// STUN servers of one address family. Several ports of one address, and several addresses, tell more.
  std::vector<Endpoint> servers;
  /// Of the NAT64 between the host and the servers, whose messages then name IPv4 addresses (nat64.h).
  std::optional<Prefix> nat64_prefix{};
  /// RFC 8489 §6.2.1 asks for 500 ms and 7 sends, which is 39.5 s until UDP counts as blocked; this is 4 s.
  Timing binding{.rto = 250ms, .sends = 5, .last_wait = 1};
  /// A filter is known by silence, so this is what a filtering NAT costs; begins when the server is known to answer.
  Timing filtering{.rto = 100ms, .sends = 4, .last_wait = 5};
};

/// RFC 5780 §4.3 and §4.4: Binding requests to every server endpoint on the shared socket, and to those that the
/// answers name as OTHER-ADDRESS; and on the fresh socket, to the first server that names one, three requests at once:
/// a plain one, one to answer from another address, and one to answer from another port of the same address.
class NatDiscovery {
 public:
  NatDiscovery(DiscoveryConfig config, Random& random);

  /// Begins; called once. With no servers the end follows at once.
  void start(Time now);
  /// Returns whether the datagram answered one of the tests; anything else is ignored.
  bool handle_datagram(Time now, TestSocket socket, const Endpoint& from, ByteView datagram);
  void handle_timeout(Time now);
  std::optional<DiscoveryDatagram> poll_transmit();
  std::optional<DiscoveryEvent> poll_event();
  std::optional<Time> next_deadline() const;

  /// What is known so far.
  Mapping mapping() const;
  Filtering filtering() const;
  /// How each server endpoint sees the shared socket.
  const std::map<Endpoint, Endpoint>& mapped() const { return mapped_; }
  bool finished() const { return finished_; }

 private:
  enum class Kind : std::uint8_t { binding, filtering_plain, filtering_address, filtering_port };
  struct Test {
    Kind kind;
    Transaction transaction;
  };
  enum class Verdict : std::uint8_t { unknown, passed, silent, unsupported };

  static TestSocket socket_of(Kind kind) { return kind == Kind::binding ? TestSocket::shared : TestSocket::fresh; }
  void begin(Time now, Kind kind, const Endpoint& server, std::optional<ChangeRequest> change, const Timing& timing);
  void ask(Time now, const Endpoint& server);
  void begin_filtering(Time now, const Endpoint& server, const Endpoint& other, std::optional<Duration> rtt);
  void settle(Time now);
  void conclude(Time now, Kind kind, const Endpoint& server, const TransactionEvent& event);
  void conclude_binding(Time now, const Endpoint& server, const Answered& answered);

  DiscoveryConfig config_;
  Random& random_;
  std::vector<Test> tests_;
  std::map<Endpoint, Endpoint> mapped_;  // by server endpoint, the shared socket's
  std::set<Endpoint> asked_;
  bool filtering_begun_ = false;
  Verdict plain_ = Verdict::unknown;
  Verdict from_other_address_ = Verdict::unknown;
  Verdict from_other_port_ = Verdict::unknown;
  bool finished_ = false;
  Queue<DiscoveryEvent> events_;
};

}  // namespace weft::stun
