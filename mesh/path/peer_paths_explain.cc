// SPDX-License-Identifier: BSD-3-Clause
// What has been tried, for people and programs that want to know why.
#include <algorithm>

#include "mesh/path/peer_paths.h"

namespace weft::path {
namespace {

bool is_kind(const std::vector<Candidate>& candidates, const Endpoint& endpoint, CandidateKind kind) {
  return std::ranges::find(candidates, Candidate{kind, endpoint}) != candidates.end();
}

Rung rung_of(const Strategy& strategy, const NatFacts& opener) {
  const auto known = port_knowledge(opener);
  if (known == PortKnowledge::sequential || known == PortKnowledge::fresh) return Rung::prediction;
  return strategy.method == Strategy::Method::two_sided_search ? Rung::two_sided_search : Rung::one_sided_search;
}

}  // namespace

Rung PeerPaths::search_rung() const {
  const Strategy chosen = strategy();
  const bool ours = chosen.we_open || chosen.method == Strategy::Method::two_sided_search;
  return rung_of(chosen, ours ? local_.facts : remote_facts_);
}

/// What found this path: told by the socket, the kind of the peer's endpoint, and where the peer saw us.
Rung PeerPaths::rung_of_path(const PathId& path, const std::optional<Endpoint>& seen_at) const {
  if (is_stream(path)) return Rung::tcp;
  const auto lasting = [&](const LocalSocket& socket) { return socket.index == path.socket; };
  if (std::ranges::none_of(local_.sockets, lasting)) return search_rung();
  const bool published =
      std::ranges::any_of(remote_, [&](const Candidate& candidate) { return candidate.endpoint == path.remote; });
  if (search_ && !published) return search_rung();
  if (is_kind(remote_, path.remote, CandidateKind::port_mapped)) return Rung::port_mapping;
  if (seen_at && is_kind(local_.candidates, *seen_at, CandidateKind::port_mapped)) return Rung::port_mapping;
  if (path.remote.address.is_private()) return Rung::same_network;
  if (path.remote.address.is_v6()) return Rung::ipv6;
  const bool ordered = role_ordered(local_.facts, remote_facts_) || role_ordered(remote_facts_, local_.facts);
  return ordered ? Rung::role_order : Rung::simultaneous_open;
}

std::vector<Rung> PeerPaths::tried() const {
  std::vector<Rung> rungs;
  const auto add = [&](bool condition, Rung rung) {
    if (condition) rungs.push_back(rung);
  };
  const auto probed = [&](auto which) {
    return std::ranges::any_of(checks_.pairs(),
                               [&](const CheckList::Pair& pair) { return pair.probes > 0 && which(pair); });
  };
  add(probed([](const auto& pair) { return pair.path.remote.address.is_private(); }), Rung::same_network);
  add(probed([](const auto& pair) { return pair.path.remote.address.is_v6(); }), Rung::ipv6);
  const bool mapped = local_.facts.open_to_strangers() ||
                      probed([](const auto& pair) { return pair.kind == CandidateKind::port_mapped; });
  add(mapped && probed([](const auto&) { return true; }), Rung::port_mapping);
  add(probed([](const auto& pair) { return pair.kind == CandidateKind::server_reflexive; }), Rung::simultaneous_open);
  add(role_ordered(local_.facts, remote_facts_) || role_ordered(remote_facts_, local_.facts), Rung::role_order);
  if (last_search_) add(true, search_rung());
  add(streams_tried_, Rung::tcp);
  add(selector_.carried(), Rung::peer_relay);
  add(selector_.relay().has_value(), Rung::relay);
  return rungs;
}

Explanation PeerPaths::explain(Time now) const {
  Explanation told;
  told.status = status();
  told.own = local_.candidates;
  told.own_facts = local_.facts;
  told.peer_facts = remote_facts_;
  told.strategy = strategy();
  for (const Candidate& candidate : remote_) {
    Explanation::RemoteCandidate one{.candidate = candidate,
                                     .verdict = probe_verdict(local_.candidates, remote_, candidate)};
    bool paired = false;
    for (const auto& pair : checks_.pairs()) {
      if (pair.path.remote != candidate.endpoint) continue;
      paired = true;
      one.state = pair.state;
      one.probes = pair.probes;
      one.rtt = pair.rtt;
    }
    if (one.verdict == ProbeVerdict::probe && !paired) one.verdict = ProbeVerdict::no_socket;
    told.remote.push_back(one);
  }
  for (const auto& pair : checks_.pairs()) {
    const auto listed = [&](const Candidate& candidate) { return candidate.endpoint == pair.path.remote; };
    if (std::ranges::any_of(remote_, listed)) continue;
    told.remote.push_back({.candidate = {pair.kind, pair.path.remote},
                           .verdict = ProbeVerdict::probe,
                           .state = pair.state,
                           .probes = pair.probes,
                           .rtt = pair.rtt});
  }
  told.tried = tried();
  const bool direct = selector_.direct() && !selector_.one_way();
  const bool carried = selector_.carried() && !selector_.relay_preferred();
  told.rung = direct ? rung_ : carried ? Rung::peer_relay : selector_.relay() ? Rung::relay : Rung::none;
  told.attempts = attempts_;
  told.searched = searched_ + (ladder_began_ ? now - *ladder_began_ : Duration{0});
  told.plans_sent = plans_sent_;
  told.plan_acknowledged = plan_acknowledged_;
  told.relay_rtt = relay_rtt_;
  if (last_search_) told.search = *last_search_;
  if (told.search && search_) {
    told.search->running = true;
    told.search->packets = static_cast<std::uint32_t>(search_->shots());
    told.search->took = now - search_began_;
  }
  if (const auto retry = deadlines_.get(Timer::retry)) told.next_retry = *retry - now;
  return told;
}

}  // namespace weft::path
