// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/base/time.h"
#include "mesh/path/carry.h"
#include "mesh/path/mtu_probe.h"

namespace weft::path {

/// idle: no traffic wants the peer. searching: the ladder for a direct path is being climbed, the relay carries data
/// meanwhile. settled: direct, or the ladder is exhausted and the reason is final until facts change (mechanisms.md
/// 23).
enum class SearchState : std::uint8_t { idle, searching, settled };
/// one_way: what we send arrives directly, what the peer sends needs the relay.
enum class PathClass : std::uint8_t { none, relay, one_way, direct };
std::string_view name(SearchState state);
std::string_view name(PathClass path_class);

/// In PathId::relay: not a relay but the coordinator, by whom two nodes that have no relay open yet send each other
/// plans and their acknowledgements, and nothing else. The network map numbers no relay so.
inline constexpr std::uint16_t kSignalling = 0xFFFF;

struct PathStatus {
  SearchState state = SearchState::idle;
  PathClass path_class = PathClass::none;
  /// Why the pair is not direct, one of the words of docs/protocol.md; empty if it is.
  std::string_view reason;
  std::optional<PathId> chosen;
  /// Send each datagram here as well, while the chosen path is suspect.
  std::optional<PathId> duplicate;
  std::optional<Duration> rtt;
  std::optional<Time> need_at;
  /// From need_at to the first authenticated answer to a probe on a direct path.
  std::optional<Duration> time_to_direct;
  /// How often `chosen` was replaced by another path.
  std::uint64_t changes = 0;
  /// The largest datagram that the chosen path takes, as far as it is known (mtu_probe.h); 0: there is no bound, or no
  /// path.
  std::uint16_t room = 0;
  /// With IP, UDP and a relay's header.
  std::uint16_t path_mtu = 0;
  MtuProbe::State mtu_state = MtuProbe::State::base;
  /// Silence after which a direct path gets a packet; zero: not direct.
  Duration keepalive{0};
  /// Probes of all kinds sent to the peer since this object was made.
  std::uint64_t probes_sent = 0;
};

/// Status().chosen or .duplicate is another than before.
struct ChosenChanged {};
/// Status().state, .path_class or .reason is another than before.
struct StateChanged {};
/// Status().room or .mtu_state is another than before.
struct RoomChanged {};
struct DirectFound {
  PathId path;
  Duration time_to_direct;
};
/// handle_ping() was answered.
struct PingAnswered {
  PathId path;
  Duration rtt;
};
/// An idle path is kept alive without knowing how long its NATs remember: measure it, if that is not under way.
struct LifetimeWanted {
  IpFamily family = IpFamily::v4;
};
/// UDP does not get through at one side: streams may be opened to these endpoints now, and be accepted; empty: those of
/// the peer are not known yet.
struct StreamsWanted {
  std::vector<Endpoint> remotes;
};
/// The peer says something about a channel by which one of us carries for the other, on a direct path that has
/// answered.
struct CarryHeard {
  PathId from;
  Carry carry;
};
/// The first answer by way of this peer that carries.
struct CarriedFound {
  PathId path;
};
using PathEvent = std::variant<ChosenChanged, StateChanged, RoomChanged, DirectFound, PingAnswered, LifetimeWanted,
                               StreamsWanted, CarryHeard, CarriedFound>;

}  // namespace weft::path
