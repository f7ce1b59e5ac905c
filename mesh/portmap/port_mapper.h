// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/random.h"
#include "mesh/portmap/mapping.h"

namespace weft::portmap {

class NatPmpClient;
class PcpClient;
class UpnpClient;

struct MapperConfig {
  Duration lifetime = 1h;   // asked for; renewed at half of what is granted
  Duration recheck = 5min;  // how often the gateway is asked whether it has restarted
  Duration retry = 15min;   // after a failure of every method
  bool pcp = true;
  bool nat_pmp = true;
  bool upnp_igd = true;
  std::string description = "weft";  // what a UPnP gateway shows beside the mapping
};

/// Life of one wish. Timers: the end of the search, half of the lifetime, the retry after a failure.
enum class MappingState : std::uint8_t {
  idle,         // no router is known
  searching,    // the gateway is being asked what it speaks
  requesting,   // and now for the mapping
  mapped,       // granted; nobody has tried it from outside yet
  verified,     // handle_verified() was told of it
  dead,         // granted, but handle_unreachable() was told: withdrawn, tried again later
  unavailable,  // no method gave a mapping; tried again later
};
/// "mapped" and so on.
std::string_view to_string(MappingState state);

struct MappingReport {
  Wish wish;
  MappingState state = MappingState::idle;
  std::optional<Method> method;
  std::optional<Endpoint> external;   // while mapped or verified
  Duration lifetime{0};               // as granted
  bool behind_another_nat = false;    // `external` is a private address: useless unless both sides are behind that NAT
  std::optional<PortmapError> error;  // of the last failure
  friend bool operator==(const MappingReport&, const MappingReport&) = default;
};

/// A report that differs from the last one about its wish. In `mapped` the owner should have somebody outside send to
/// `external` and tell handle_verified() or handle_unreachable(); again after each change, and when it likes.
struct MappingChanged {
  MappingReport report;
};

/// Keeps ports open on the router of the default route: finds out which of PCP (RFC 6887), NAT-PMP (RFC 6886) and
/// UPnP-IGD it speaks, maps by the best one that works, renews at half the lifetime, maps anew when the gateway has
/// restarted, and withdraws. The owner has one UDP socket bound to Router::local (any port but the mapped ones) and
/// carries the HTTP exchanges of UPnP over streams. Towards a router of IPv6 it is PCP alone, and what it opens is our
/// own endpoint in the router's firewall.
class PortMapper {
 public:
  explicit PortMapper(Random& random, MapperConfig config = {});
  ~PortMapper();
  PortMapper(const PortMapper&) = delete;
  PortMapper& operator=(const PortMapper&) = delete;

  /// The network has changed: nullopt if there is no default route. What the old router holds is left to expire.
  void set_router(Time now, std::optional<Router> router);
  /// No effect if wished for already. `suggested`: the external port to ask for first; 0: the internal one.
  void add(Time now, const Wish& wish, std::uint16_t suggested = 0);
  /// Withdraws the mapping at the gateway.
  void remove(Time now, const Wish& wish);
  /// Removes every wish; what poll_transmit() and poll_http() then give are the withdrawals.
  void remove_all(Time now);

  void handle_datagram(Time now, const Endpoint& from, ByteView datagram);
  /// Bytes of the answer to an exchange; an unknown `id` is ignored.
  void handle_http_data(Time now, std::uint32_t id, ByteView bytes);
  /// The stream of an exchange has ended, in order or not.
  void handle_http_closed(Time now, std::uint32_t id);
  /// Somebody outside has reached us at `external`, or has not. Other endpoints than a mapping's are ignored.
  void handle_verified(Time now, const Endpoint& external);
  void handle_unreachable(Time now, const Endpoint& external);

  void handle_timeout(Time now);
  std::optional<Datagram> poll_transmit();
  std::optional<HttpExchange> poll_http();
  /// Exchanges whose streams may be closed: the answer is complete or no longer wanted.
  std::optional<std::uint32_t> poll_http_done();
  std::optional<MappingChanged> poll_event();
  std::optional<Time> next_deadline() const;

  std::vector<MappingReport> reports() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weft::portmap
