// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/check_list.h"

#include <algorithm>
#include <array>

namespace weft::path {
namespace {

/// From a burst's start to its n-th probe; one second each after the last.
constexpr std::array<Duration, 5> kBurstOffsets = {0ms, 20ms, 60ms, 140ms, 300ms};
constexpr Duration kSlowInterval = 1s;

Duration gap_after(unsigned step) {
  return step < kBurstOffsets.size() ? kBurstOffsets[step] - kBurstOffsets[step - 1] : kSlowInterval;
}

bool before(const CheckList::Pair& a, const CheckList::Pair& b) {
  return a.priority != b.priority ? a.priority > b.priority : a.path < b.path;
}

}  // namespace

void CheckList::set_remote(const std::vector<LocalSocket>& sockets, const std::vector<Candidate>& remote) {
  std::vector<Pair> fresh;
  for (const auto& candidate : remote) {
    for (const auto& socket : sockets) {
      if (socket.family != candidate.endpoint.address.family()) continue;
      if (socket.pinned && candidate.endpoint.address.is_private()) continue;
      Pair pair{.path = {.socket = socket.index, .relay = 0, .remote = candidate.endpoint},
                .kind = candidate.kind,
                .priority = priority(candidate)};
      if (const Pair* old = find(pair.path)) {
        pair = *old;
        pair.kind = candidate.kind;
        pair.priority = priority(candidate);
        pair.only_opens = false;
      }
      fresh.push_back(pair);
    }
  }
  for (const auto& old : pairs_) {
    const bool published = std::any_of(fresh.begin(), fresh.end(), [&](const Pair& p) { return p.path == old.path; });
    if (old.kind == CandidateKind::peer_reflexive && !published) fresh.push_back(old);
  }
  std::sort(fresh.begin(), fresh.end(), before);
  pairs_ = std::move(fresh);
}

void CheckList::start(Time at) {
  for (auto& pair : pairs_) {
    pair.step = 0;
    pair.next = pair.last_sent ? std::max(at, *pair.last_sent + kMinSpacing) : at;
  }
}

void CheckList::stop() {
  for (auto& pair : pairs_) pair.next.reset();
}

void CheckList::reset() {
  std::erase_if(pairs_, [](const Pair& pair) { return pair.kind == CandidateKind::peer_reflexive; });
  for (auto& pair : pairs_) pair.state = PairState::waiting;
  stop();
}

void CheckList::learn(const PathId& from) {
  const auto learned = [](const Pair& pair) { return pair.kind == CandidateKind::peer_reflexive; };
  if (static_cast<std::size_t>(std::count_if(pairs_.begin(), pairs_.end(), learned)) >= kMaxPeerReflexive) {
    auto oldest = pairs_.end();
    for (auto it = pairs_.begin(); it != pairs_.end(); ++it) {
      if (!learned(*it) || it->state == PairState::succeeded) continue;
      if (oldest == pairs_.end() || it->last_sent.value_or(Time::min()) < oldest->last_sent.value_or(Time::min()))
        oldest = it;
    }
    if (oldest == pairs_.end()) return;
    pairs_.erase(oldest);
  }
  const Candidate candidate{CandidateKind::peer_reflexive, from.remote};
  const Pair pair{.path = from, .kind = candidate.kind, .priority = priority(candidate)};
  pairs_.insert(std::upper_bound(pairs_.begin(), pairs_.end(), pair, before), pair);
}

void CheckList::trigger(Time now, const PathId& from) {
  if (from.relayed()) return;
  if (!find(from)) learn(from);
  Pair* pair = find(from);
  if (!pair) return;
  pair->only_opens = false;
  pair->step = 0;
  pair->next = pair->last_sent ? std::max(now, *pair->last_sent + kMinSpacing) : now;
}

void CheckList::open(Time now, const PathId& from) {
  if (knows(from)) return;
  learn(from);
  if (Pair* pair = find(from)) {
    pair->only_opens = true;
    pair->next = now;
  }
}

bool CheckList::only_opens(const PathId& path) const {
  return std::any_of(pairs_.begin(), pairs_.end(),
                     [&](const Pair& pair) { return pair.path == path && pair.only_opens; });
}

void CheckList::mark(const PathId& path, PairState state) {
  Pair* pair = find(path);
  if (pair && state > pair->state) pair->state = state;
}

void CheckList::answered(const PathId& path, Duration rtt) {
  if (Pair* pair = find(path)) pair->rtt = rtt;
}

std::optional<PathId> CheckList::take_due(Time now) {
  Pair* due = nullptr;
  for (auto& pair : pairs_) {
    if (pair.next && *pair.next <= now && (!due || *pair.next < *due->next)) due = &pair;
  }
  if (!due) return std::nullopt;
  due->step += 1;
  due->probes += 1;
  due->last_sent = now;
  due->next = now + gap_after(due->step);
  if (due->state == PairState::waiting) due->state = PairState::in_progress;
  return due->path;
}

std::optional<Time> CheckList::next_deadline() const {
  std::optional<Time> first;
  for (const auto& pair : pairs_) {
    if (pair.next && (!first || *pair.next < *first)) first = pair.next;
  }
  return first;
}

std::optional<PathId> CheckList::best(PairState state) const {
  for (const auto& pair : pairs_) {
    if (pair.state == state) return pair.path;
  }
  return std::nullopt;
}

bool CheckList::knows(const PathId& path) const {
  return std::any_of(pairs_.begin(), pairs_.end(), [&](const Pair& pair) { return pair.path == path; });
}

CheckList::Pair* CheckList::find(const PathId& path) {
  const auto found = std::find_if(pairs_.begin(), pairs_.end(), [&](const Pair& pair) { return pair.path == path; });
  return found == pairs_.end() ? nullptr : &*found;
}

}  // namespace weft::path
