// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/simultaneous_open.h"

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "sim/scenario/party.h"

namespace weft::sim {
namespace {

constexpr int kRounds = 6;
const Endpoint kServer{IpAddress::v4(192, 0, 2, 1), 3478};

struct Crossing {
  Endpoint remote;  // whom it was sent to
  Bytes packet;
};

std::vector<Crossing> send_to_all(Party& party, Time now) {
  std::vector<Crossing> crossing;
  for (const Endpoint& remote : party.remotes) {
    if (auto packet = party.send(now, remote)) crossing.push_back({remote, std::move(*packet)});
  }
  return crossing;
}

/// Delivers what crossed; the pairs (endpoint it came from, endpoint it was sent to) that arrived.
std::set<std::pair<Endpoint, Endpoint>> deliver(Party& to, Time now, const std::vector<Crossing>& crossing) {
  std::set<std::pair<Endpoint, Endpoint>> arrived;
  for (const Crossing& one : crossing) {
    if (const auto source = to.receive(now, one.packet)) {
      arrived.emplace(*source, one.remote);
      to.remotes.insert(*source);
    }
  }
  return arrived;
}

}  // namespace

namespace {

/// Who sends to what it was told: both, or one while the other waits until it hears.
enum class Roles : std::uint8_t { both_open, a_opens, b_opens };

bool connects(const NatChain& chain_a, const NatChain& chain_b, std::uint64_t seed, std::array<bool, 2> ipv6,
              Roles roles) {
  Party a(chain_a, 1, seed, ipv6[0]), b(chain_b, 2, seed, ipv6[1]);
  Time now{};
  const auto of_a = a.reflexive(now, kServer), of_b = b.reflexive(now, kServer);
  if (of_a && roles != Roles::a_opens) b.remotes.insert(*of_a);
  if (of_b && roles != Roles::b_opens) a.remotes.insert(*of_b);
  if (a.native() && b.native()) {
    if (roles != Roles::a_opens) b.remotes.insert(*a.native());
    if (roles != Roles::b_opens) a.remotes.insert(*b.native());
  }
  for (int round = 0; round < kRounds; ++round) {
    now += 100ms;
    const auto from_a = send_to_all(a, now);
    const auto from_b = send_to_all(b, now);
    const auto at_b = deliver(b, now, from_a);
    const auto at_a = deliver(a, now, from_b);
    // Both ways over one pair of endpoints: B heard from x, sent to x, and A heard that from where A's packet went.
    for (const auto& [source_a, sent_to_b] : at_b) {
      if (at_a.contains({sent_to_b, source_a})) return true;
    }
  }
  return false;
}

}  // namespace

bool simultaneous_open_connects(const NatChain& chain_a, const NatChain& chain_b, std::uint64_t seed,
                                std::array<bool, 2> ipv6) {
  const auto with = [&](Roles roles) { return connects(chain_a, chain_b, seed, ipv6, roles); };
  return with(Roles::both_open) || with(Roles::a_opens) || with(Roles::b_opens);
}

}  // namespace weft::sim
