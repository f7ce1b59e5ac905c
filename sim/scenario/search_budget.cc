// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/search_budget.h"

#include <algorithm>
#include <optional>

#include "mesh/path/probe.h"
#include "sim/fabric/headers.h"

namespace weft::sim {
namespace {

constexpr std::uint8_t kUdp = 17;

/// Source and destination of a UDP packet that carries a path probe.
std::optional<std::pair<Endpoint, Endpoint>> probe_flow(ByteView packet) {
  const bool v4 = packet[0] >> 4 == 4;
  const std::size_t udp = v4 ? 20 : 40;
  if (packet.size() <= udp + 8 || packet[v4 ? 9 : 6] != kUdp || packet[udp + 8] != path::kProbeMagic) {
    return std::nullopt;
  }
  Reader ports(packet.subspan(udp, 4));
  const std::uint16_t source = ports.u16be();
  const std::uint16_t destination = ports.u16be();
  return std::pair{Endpoint{fabric::source_of(packet), source}, Endpoint{fabric::destination_of(packet), destination}};
}

}  // namespace

void SearchBudget::note(Time now, const IpAddress& source, const std::string& what) {
  if (breaches_++ == 0)
    first_ = source.to_string() + ": " + what + " at " + std::to_string(to_seconds(now - Time{})) + " s";
}

void SearchBudget::see(Time now, ByteView packet) {
  const auto flow = probe_flow(packet);
  if (!flow || flow->first.address.is_private()) return;
  Sender& sender = senders_[flow->first.address];
  if (sender.flows.contains(*flow)) return;
  constexpr Duration kInterval = std::chrono::nanoseconds(1s) / kPerSecond;
  // One interval of tolerance: links and gateways move packets against each other.
  if (sender.full_at > now + kBurst * kInterval) note(now, flow->first.address, "more than 200 new flows a second");
  sender.full_at = std::max(sender.full_at, now) + kInterval;
  sender.flows.emplace(*flow, now);
  if (sender.flows.size() <= kMaxFlows) return;
  std::erase_if(sender.flows, [&](const auto& entry) { return now - entry.second >= kFlowLife; });
  if (sender.flows.size() > kMaxFlows) note(now, flow->first.address, "more than 1,024 flows in two minutes");
}

std::string SearchBudget::violation() const {
  if (breaches_ == 0) return "";
  return "invariant: searching beyond the budget (" + std::to_string(breaches_) + " packets, the first from " + first_ +
         ")";
}

}  // namespace weft::sim
