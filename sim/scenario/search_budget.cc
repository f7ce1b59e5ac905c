// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/search_budget.h"

#include <algorithm>

#include "sim/scenario/probe_flow.h"

namespace weft::sim {

/// Two searches take turns if one goes on within a second after the other had its turn.
void SearchBudget::note_search(Time now, const IpAddress& source, const IpAddress& remote, Sender& sender) {
  sender.latest.emplace_back(now, remote);
  while (now - sender.latest.front().first > 1s) sender.latest.pop_front();
  const auto same = [&](const auto& flow) { return flow.second == remote; };
  if (std::ranges::count_if(sender.latest, same) <= static_cast<std::ptrdiff_t>(kSearchFlows)) return;
  if (sender.searched == remote) return;
  if (const auto left = sender.left.find(remote); left != sender.left.end() && now - left->second < 1s)
    note(now, source, "two searches at a time");
  if (!sender.searched.is_unspecified()) sender.left[sender.searched] = now;
  sender.searched = remote;
}

void SearchBudget::note(Time now, const IpAddress& source, const std::string& what) {
  if (breaches_++ == 0)
    first_ = source.to_string() + ": " + what + " at " + std::to_string(to_seconds(now - Time{})) + " s";
}

void SearchBudget::see(Time now, ByteView packet) {
  const auto flow = probe_flow(packet);
  if (!flow || flow->source.address.is_private()) return;
  Sender& sender = senders_[flow->source.address];
  if (sender.flows.contains(*flow)) return;
  constexpr Duration kInterval = std::chrono::nanoseconds(1s) / kPerSecond;
  // One interval of tolerance: links and gateways move packets against each other.
  if (sender.full_at > now + kBurst * kInterval) note(now, flow->source.address, "more than 200 new flows a second");
  sender.full_at = std::max(sender.full_at, now) + kInterval;
  sender.flows.emplace(*flow, now);
  note_search(now, flow->source.address, flow->destination.address, sender);
  if (sender.flows.size() <= kMaxFlows) return;
  std::erase_if(sender.flows, [&](const auto& entry) { return now - entry.second >= kFlowLife; });
  if (sender.flows.size() > kMaxFlows) note(now, flow->source.address, "more than 1,024 flows in two minutes");
}

std::string SearchBudget::violation() const {
  if (breaches_ == 0) return "";
  return "invariant budget: searching beyond the budget (" + std::to_string(breaches_) + " packets, the first from " +
         first_ + ")";
}

}  // namespace weft::sim
