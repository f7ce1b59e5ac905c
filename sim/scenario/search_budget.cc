// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/search_budget.h"

#include <algorithm>

#include "sim/scenario/probe_flow.h"

namespace weft::sim {
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
  if (sender.flows.size() <= kMaxFlows) return;
  std::erase_if(sender.flows, [&](const auto& entry) { return now - entry.second >= kFlowLife; });
  if (sender.flows.size() > kMaxFlows) note(now, flow->source.address, "more than 1,024 flows in two minutes");
}

std::string SearchBudget::violation() const {
  if (breaches_ == 0) return "";
  return "invariant: searching beyond the budget (" + std::to_string(breaches_) + " packets, the first from " + first_ +
         ")";
}

}  // namespace weft::sim
