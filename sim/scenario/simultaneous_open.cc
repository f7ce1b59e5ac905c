// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/simultaneous_open.h"

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "mesh/base/random.h"
#include "sim/fabric/headers.h"
#include "sim/nat/nat.h"

namespace weft::sim {
namespace {

using fabric::IpView;

constexpr int kRounds = 6;
const Endpoint kServer{IpAddress::v4(192, 0, 2, 1), 3478};

Bytes udp_packet(const Endpoint& source, const Endpoint& destination) {
  const std::size_t header = fabric::ip_header_size(IpFamily::v4);
  Bytes packet(header + fabric::kUdpHeader);
  fabric::write_ip_header(packet.data(), {.source = source.address, .destination = destination.address},
                          fabric::kUdpHeader);
  store_u16be(packet.data() + header, source.port);
  store_u16be(packet.data() + header + 2, destination.port);
  store_u16be(packet.data() + header + 4, fabric::kUdpHeader);
  fabric::store_transport_checksum(packet, 6);
  return packet;
}

/// Source and destination of a UDP packet we made or a NAT rewrote.
std::pair<Endpoint, Endpoint> endpoints_of(ByteView packet) {
  const IpView ip = *fabric::parse_ip(packet);
  return {{ip.source, load_u16be(ip.payload.data())}, {ip.destination, load_u16be(ip.payload.data() + 2)}};
}

/// A host behind its gateways, and what it knows of the other.
class Party {
 public:
  Party(const NatChain& chain, std::uint8_t number, std::uint64_t seed)
      : random_(seed, number == 1 ? "party a" : "party b") {
    const IpAddress external = IpAddress::v4(203, 0, 113, number);
    host_ = {translates(chain) ? IpAddress::v4(192, 168, 1, 10) : external, 41641};
    for (std::size_t layer = 0; layer < chain.size(); ++layer) {
      const bool outermost = layer + 1 == chain.size();
      const IpAddress own = outermost ? external : IpAddress::v4(10, 64, number, static_cast<std::uint8_t>(layer + 2));
      gateways_.push_back(std::make_unique<nat::Nat>(chain[layer], std::vector{own}, random_));
    }
  }

  /// The packet as the Internet sees it; nullopt if a gateway keeps it.
  std::optional<Bytes> send(Time now, const Endpoint& destination) {
    Bytes packet = udp_packet(host_, destination);
    for (const auto& gateway : gateways_) {
      auto outcome = gateway->translate(now, nat::Side::inside, packet);
      if (outcome.action != nat::Outcome::Action::forward_out) return std::nullopt;
      if (!outcome.packets.empty()) packet = std::move(outcome.packets[0]);
    }
    return packet;
  }

  /// Takes a packet from the Internet; the sender's endpoint if it reached the host.
  std::optional<Endpoint> receive(Time now, Bytes packet) {
    for (auto gateway = gateways_.rbegin(); gateway != gateways_.rend(); ++gateway) {
      auto outcome = (*gateway)->translate(now, nat::Side::outside, packet);
      if (outcome.action != nat::Outcome::Action::forward_in) return std::nullopt;
      if (!outcome.packets.empty()) packet = std::move(outcome.packets[0]);
    }
    const auto [source, destination] = endpoints_of(packet);
    if (destination != host_) return std::nullopt;
    return source;
  }

  /// Our endpoint as a server sees it, if its answer comes back.
  std::optional<Endpoint> reflexive(Time now) {
    const auto request = send(now, kServer);
    if (!request) return std::nullopt;
    const Endpoint seen = endpoints_of(*request).first;
    if (!receive(now, udp_packet(kServer, seen))) return std::nullopt;
    return seen;
  }

  std::set<Endpoint> remotes;  // of the other: told or heard

 private:
  SeededRandom random_;
  Endpoint host_;
  std::vector<std::unique_ptr<nat::Nat>> gateways_;
};

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

bool connects(const NatChain& chain_a, const NatChain& chain_b, std::uint64_t seed, Roles roles) {
  Party a(chain_a, 1, seed), b(chain_b, 2, seed);
  Time now{};
  const auto of_a = a.reflexive(now), of_b = b.reflexive(now);
  if (of_a && roles != Roles::a_opens) b.remotes.insert(*of_a);
  if (of_b && roles != Roles::b_opens) a.remotes.insert(*of_b);
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

bool simultaneous_open_connects(const NatChain& chain_a, const NatChain& chain_b, std::uint64_t seed) {
  return connects(chain_a, chain_b, seed, Roles::both_open) || connects(chain_a, chain_b, seed, Roles::a_opens) ||
         connects(chain_a, chain_b, seed, Roles::b_opens);
}

}  // namespace weft::sim
