// SPDX-License-Identifier: BSD-3-Clause
// What the owner may know.
#include "mesh/path/peer_paths.h"

namespace weft::path {

void PeerPaths::publish() {
  PathStatus fresh = status();
  if (published_.chosen && fresh.chosen && fresh.chosen != published_.chosen) fresh.changes = ++changes_;
  if (fresh.chosen != published_.chosen || fresh.duplicate != published_.duplicate) events_.push_back(ChosenChanged{});
  if (fresh.state != published_.state || fresh.path_class != published_.path_class ||
      fresh.reason != published_.reason) {
    events_.push_back(StateChanged{});
  }
  published_ = fresh;
}

PathClass PeerPaths::path_class() const {
  if (selector_.direct() && !selector_.relay_preferred())
    return selector_.one_way() ? PathClass::one_way : PathClass::direct;
  return selector_.relay() ? PathClass::relay : PathClass::none;
}

std::string_view PeerPaths::reason() const {
  if (selector_.relay_preferred()) return "relay_better";
  if (selector_.direct() && !selector_.one_way()) return "";
  if (selector_.one_way()) return "one_way";
  if (state_ == SearchState::idle) return "idle";
  if (local_.facts.udp_blocked) return "udp_blocked_local";
  if (remote_facts_.udp_blocked) return "udp_blocked_peer";
  if (state_ == SearchState::searching || search_) return "search_running";
  if (checks_.pairs().empty()) return "no_common_candidates";
  if (search_outcome_ == SearchOutcome::no_budget) return "searching_budget";
  if (search_outcome_ == SearchOutcome::exhausted) return "search_exhausted";
  if (local_.facts.symmetric() && remote_facts_.symmetric()) return "both_symmetric_full_range";
  if (local_.facts.symmetric() || remote_facts_.symmetric()) return "symmetric_against_port_filtering";
  return "no_answer";
}

PathStatus PeerPaths::status() const {
  const auto chosen = selector_.chosen();
  return {.state = state_,
          .path_class = path_class(),
          .reason = reason(),
          .chosen = chosen,
          .duplicate = selector_.duplicate(),
          .rtt = selector_.direct() && !selector_.relay_preferred() ? selector_.rtt() : relay_rtt_,
          .need_at = need_at_,
          .time_to_direct = time_to_direct_,
          .changes = changes_};
}

}  // namespace weft::path
