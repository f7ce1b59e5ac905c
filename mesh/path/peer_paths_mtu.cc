// SPDX-License-Identifier: BSD-3-Clause
// How much the paths carry.
#include <algorithm>
#include <utility>

#include "mesh/path/peer_paths.h"

namespace weft::path {
namespace {

/// The direct paths and relays of a pair that are remembered with their size.
constexpr std::size_t kMaxMtuProbes = 6;
constexpr std::uint16_t kUdpHeader = 8, kRelayHeader = 6;  // the same through a peer
/// A relayed pair is often direct soon after, and then its relay's size is of no use.
constexpr Duration kRelayDelay = 1s;
constexpr Duration kUnknownRtt = 200ms;

/// A relay's family is not known here; the difference counts only for which sizes are tried first.
std::uint16_t overhead(const PathId& path) {
  const std::uint16_t ip = !path.relayed() && path.remote.address.is_v6() ? 40 : 20;
  return static_cast<std::uint16_t>(ip + kUdpHeader + (path.relayed() ? kRelayHeader : 0));
}

}  // namespace

const MtuProbe* PeerPaths::mtu_probe(const PathId& path) const {
  const auto found = std::ranges::find(mtu_probes_, path, &std::pair<PathId, MtuProbe>::first);
  return found == mtu_probes_.end() ? nullptr : &found->second;
}

MtuProbe* PeerPaths::mtu_probe(const PathId& path) {
  return const_cast<MtuProbe*>(std::as_const(*this).mtu_probe(path));
}

/// A relay that was measured keeps its size; a direct path that is chosen again may be another than before. What was
/// chosen too shortly to be asked about is forgotten, as nearly each pair's relay.
MtuProbe& PeerPaths::begin_mtu_probe(Time now, const PathId& path) {
  std::erase_if(mtu_probes_, [](const auto& known) { return !known.second.asked(); });
  MtuProbe* known = mtu_probe(path);
  const bool keep = known != nullptr && path.relayed();
  if (known == nullptr) {
    if (mtu_probes_.size() == kMaxMtuProbes) mtu_probes_.erase(mtu_probes_.begin());
    known = &mtu_probes_.emplace_back(path, MtuProbe(config_.full_room, overhead(path))).second;
  }
  const auto rtt = is_by_relay(path) ? relay_rtt_ : selector_.rtt();
  if (!keep) known->start(now, rtt.value_or(kUnknownRtt), path.relayed() ? kRelayDelay : 0ms);
  return *known;
}

/// Only the path that carries data is probed, and only while it is believed to work.
void PeerPaths::run_mtu_probe(Time now) {
  const auto chosen = selector_.chosen();
  if (config_.full_room == 0 || state_ == SearchState::idle || !chosen) return mtu_path_.reset();
  const bool fresh = mtu_path_ != chosen;
  mtu_path_ = chosen;
  MtuProbe& probe = fresh ? begin_mtu_probe(now, *chosen) : *mtu_probe(*chosen);
  if (selector_.suspect()) return;
  probe.handle_timeout(now);
  while (true) {
    const auto due = probe.next_deadline();
    if (!due || *due > now || budget_.available_at(now) > now) return;
    const auto size = probe.take_due(now);
    if (!size) return;
    static_cast<void>(budget_.take(now));
    padded_ping(now, *chosen, *size);
  }
}

std::optional<Time> PeerPaths::mtu_deadline() const {
  const auto* probe = mtu_path_ && !selector_.suspect() ? mtu_probe(*mtu_path_) : nullptr;
  const auto due = probe ? probe->next_deadline() : std::nullopt;
  return due ? std::optional(std::max(*due, budget_.available_at(now_))) : std::nullopt;
}

void PeerPaths::padded_ping(Time now, const PathId& path, std::uint16_t size) {
  ask(now, path,
      {.suspect = false, .relay_preferred = selector_.relay_preferred(), .size = size, .lifetime = own_lifetime(path)});
  outbox_.back().dont_fragment = true;
}

void PeerPaths::sized_pong(Time now, const Transaction& asked) {
  if (MtuProbe* const probe = mtu_probe(asked.path)) {
    if (!asked.path.relayed()) probe->handle_rtt(now - asked.sent);
    probe->handle_answer(now, asked.size);
  }
}

bool PeerPaths::handle_largest_sent(Time now, std::size_t size) {
  if (!mtu_path_) return false;
  mtu_probe(*mtu_path_)->handle_data_sent(now, size);
  const auto due = mtu_deadline();
  if (!due || *due > now) return false;
  pump(now);
  return true;
}

void PeerPaths::handle_too_big(Time now, const PathId& path, std::uint32_t mtu) {
  MtuProbe* const probe = mtu_path_ == path ? mtu_probe(path) : nullptr;
  if (probe == nullptr) return;
  probe->handle_too_big(now, mtu);
  pump(now);
}

}  // namespace weft::path
