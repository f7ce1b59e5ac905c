// SPDX-License-Identifier: BSD-3-Clause
// Paths through a peer that carries for us, and what a peer says about carrying.
#include "mesh/path/peer_paths.h"

namespace weft::path {

std::optional<PathId> PeerPaths::carrying_path() const {
  const auto path = selector_.direct_path();
  const bool works = path && !is_stream(*path) && !selector_.one_way() && !selector_.relay_preferred();
  return works ? path : std::nullopt;
}

void PeerPaths::send_carry(Time now, const Carry& carry) {
  const auto path = carrying_path();
  if (!path || !budget_.take(now)) return;
  send(*path, {random_.next(), carry});
  if (carry.kind != Carry::Kind::request) return;
  selector_.doubt(now);  // what is carried is no data of this pair, and would not show that the path is dead
  pump(now);
}

/// From where it is said counts as much as who says it: the channel is bound to that path.
void PeerPaths::on_carry(const PathId& from, const Carry& carry) {
  if (from.relayed() || is_stream(from) || !selector_.knows(from)) return;
  events_.push_back(CarryHeard{from, carry});
}

void PeerPaths::handle_carrier(Time now, const PathId& path) {
  if (config_.relay_only || selector_.direct() || selector_.knows(path)) return;
  need(now);  // the other side asked for the carrier: it has data for us
  if (budget_.take(now)) ping(now, path, false);
  pump(now);
}

void PeerPaths::handle_carrier_gone(Time now, const PathId& path) {
  selector_.forget(now, path);
  pump(now);
}

void PeerPaths::on_carried_ping(Time now, const PathId& from, std::uint64_t id, const Ping& ping) {
  if (config_.relay_only) return;
  if (ping.suspect) selector_.doubt(now);
  if (!selector_.knows(from) && !budget_.take(now)) return;
  if (!selector_.direct()) peer_prefers_relay_ = ping.relay_preferred;
  send(from, {id, Pong{std::nullopt, counts_.received(from), {}}});
  if (!selector_.direct() && !selector_.knows(from) && budget_.take(now)) this->ping(now, from, false);
}

void PeerPaths::on_carried(Time now, const ProbeAnswer& answer) {
  if (selector_.direct()) return;
  const bool first = !selector_.knows(answer.path);
  selector_.confirm(now, answer);
  if (first && selector_.knows(answer.path)) events_.push_back(CarriedFound{answer.path});
}

}  // namespace weft::path
