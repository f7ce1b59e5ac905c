// SPDX-License-Identifier: BSD-3-Clause
// What the owner may know.
#include "mesh/path/peer_paths.h"

namespace weft::path {
namespace {

/// RFC 5382 REQ-5 asks for two hours and four minutes; many NATs and firewalls keep half.
constexpr Duration kStreamLifetime = std::chrono::hours(1);

}  // namespace

void PeerPaths::publish() {
  const Published fresh = to_publish();
  if (published_.chosen && fresh.chosen && fresh.chosen != published_.chosen) ++changes_;
  if (fresh.chosen != published_.chosen || fresh.duplicate != published_.duplicate) events_.push_back(ChosenChanged{});
  if (fresh.room != published_.room || fresh.mtu_state != published_.mtu_state) events_.push_back(RoomChanged{});
  if (fresh.state != published_.state || fresh.path_class != published_.path_class ||
      fresh.reason != published_.reason) {
    events_.push_back(StateChanged{});
  }
  published_ = fresh;
}

Duration PeerPaths::own_lifetime(const PathId& path) const {
  if (is_stream(path)) return kStreamLifetime;
  return path.relayed() ? Duration{0} : local_.lifetime(path.remote.address.family());
}

/// An idle path is kept by as few packets as both sides' NATs allow.
void PeerPaths::keep_alive(Time now) {
  const auto path = selector_.direct_path();
  if (!path) return;
  const Duration ours = own_lifetime(*path);
  // One side is a little later, or both would send at once for ever.
  const Duration period = keepalive_period(ours, peer_lifetime_);
  selector_.set_keepalive(config_.self < config_.peer_key ? period : period + period / 16);
  if (selector_.probe_due(now)) want_lifetime(*path);
}

/// Of an idle path, by who keeps it and by whom it is kept for: the shorter lifetime of the two counts.
void PeerPaths::want_lifetime(const PathId& path) {
  if (own_lifetime(path) == 0ns && selector_.only_keeping())
    events_.push_back(LifetimeWanted{path.remote.address.family()});
}

PathClass PeerPaths::path_class() const {
  if (selector_.direct() && !selector_.relay_preferred())
    return selector_.one_way() ? PathClass::one_way : PathClass::direct;
  return selector_.chosen() ? PathClass::relay : PathClass::none;
}

std::string_view PeerPaths::reason() const {
  if (selector_.direct() && selector_.relay_preferred()) return "relay_better";
  if (selector_.direct() && !selector_.one_way()) return "";
  if (state_ == SearchState::idle) return "idle";
  if (config_.relay_only) return "relay_only";
  if (local_.facts.udp_blocked) return "udp_blocked_local";
  if (remote_facts_.udp_blocked) return "udp_blocked_peer";
  if (state_ == SearchState::searching || search_) return "search_running";
  if (checks_.pairs().empty()) return "no_common_candidates";
  if (search_outcome_ == SearchOutcome::no_budget) return "searching_budget";
  const auto dead = [](const NatFacts& facts) { return facts.port_mapping == PortMapping::dead; };
  if (dead(local_.facts) || dead(remote_facts_)) return "port_mapping_dead";
  if (search_outcome_ == SearchOutcome::exhausted) return "search_exhausted";
  if (local_.facts.symmetric() && remote_facts_.symmetric()) return "both_symmetric_full_range";
  if (local_.facts.symmetric() || remote_facts_.symmetric()) return "symmetric_against_port_filtering";
  return "no_answer";
}

PeerPaths::Published PeerPaths::to_publish() const {
  const auto chosen = selector_.chosen();
  const auto* mtu = chosen ? mtu_probe(*chosen) : nullptr;
  return {.chosen = chosen,
          .duplicate = selector_.duplicate(),
          .state = state_,
          .path_class = path_class(),
          .reason = reason(),
          .room = mtu ? mtu->room() : config_.full_room,
          .mtu_state = mtu ? mtu->state() : MtuProbe::State::base};
}

PathStatus PeerPaths::status() const {
  const Published now = to_publish();
  const auto* mtu = now.chosen ? mtu_probe(*now.chosen) : nullptr;
  return {.state = now.state,
          .path_class = now.path_class,
          .reason = now.reason,
          .chosen = now.chosen,
          .duplicate = now.duplicate,
          .rtt = selector_.rtt() && !selector_.relay_preferred() ? selector_.rtt() : relay_rtt_,
          .need_at = need_at_,
          .time_to_direct = time_to_direct_,
          .changes = changes_,
          .room = now.room,
          .path_mtu = mtu ? mtu->path_mtu() : std::uint16_t{0},
          .mtu_state = now.mtu_state,
          .keepalive = selector_.direct() ? selector_.keepalive() : Duration{0},
          .probes_sent = probes_sent_};
}

}  // namespace weft::path
