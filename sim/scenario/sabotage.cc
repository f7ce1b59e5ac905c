// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/sabotage.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "mesh/crypto/keys.h"
#include "mesh/path/probe.h"
#include "sim/fabric/headers.h"
#include "sim/scenario/datagram.h"
#include "sim/scenario/probe_flow.h"
#include "sim/world/world.h"

namespace weft::sim {
namespace {

using Rule = std::function<bool(ByteView)>;
using Forger = std::function<std::vector<Bytes>(ByteView)>;

constexpr std::pair<std::string_view, Sabotage> kNames[] = {{"no-direct", Sabotage::no_direct},
                                                            {"no-search", Sabotage::no_search},
                                                            {"silence", Sabotage::silence},
                                                            {"plaintext", Sabotage::plaintext},
                                                            {"private-probe", Sabotage::private_probe},
                                                            {"stranger-probe", Sabotage::stranger_probe},
                                                            {"loop", Sabotage::loop},
                                                            {"overlay-loop", Sabotage::overlay_loop},
                                                            {"flood", Sabotage::flood},
                                                            {"counter", Sabotage::counter},
                                                            {"nonce", Sabotage::nonce},
                                                            {"replay", Sabotage::replay},
                                                            {"session-end", Sabotage::session_end},
                                                            {"leaked-key", Sabotage::leaked_key}};

bool is_direct_probe(ByteView packet) { return probe_flow(packet).has_value(); }

/// Remembers from which port each host sent its first probe. The rule sees each packet once, before any NAT.
Rule search_probes() {
  return [first = std::map<IpAddress, std::uint16_t>{}](ByteView packet) mutable {
    const auto flow = probe_flow(packet);
    return flow && first.emplace(flow->source.address, flow->source.port).first->second != flow->source.port;
  };
}

/// Enough for the agents to find each other.
Rule all_but_the_first() {
  return [seen = 0](ByteView) mutable { return ++seen > 4'000; };
}

constexpr std::size_t kHeaders = 20 + fabric::kUdpHeader;  // of IPv4 and UDP

/// An IPv4 datagram to port 41641 without checksums, which no invariant looks at.
Bytes datagram(const Endpoint& from, const IpAddress& to, ByteView payload) {
  const std::size_t header = fabric::ip_header_size(IpFamily::v4);
  Bytes packet(header + fabric::kUdpHeader);
  fabric::write_ip_header(packet.data(), {.source = from.address, .destination = to},
                          fabric::kUdpHeader + payload.size());
  store_u16be(packet.data() + header, from.port);
  store_u16be(packet.data() + header + 2, 41641);
  store_u16be(packet.data() + header + 4, static_cast<std::uint16_t>(fabric::kUdpHeader + payload.size()));
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

/// A probe that nobody can open, with a nonce of its own for each `number`.
Bytes forged_probe(const Endpoint& from, const IpAddress& to, std::uint16_t number = 0) {
  Bytes probe(path::kProbeHeaderSize + 32, 0xEE);
  probe[0] = path::kProbeMagic;
  store_u16be(probe.data() + 12, number);
  return datagram(from, to, probe);
}

/// Packets made of the first that `from` makes some of.
template <typename Make>
Forger once(Make make) {
  return [make, done = false](ByteView packet) mutable {
    std::vector<Bytes> forged;
    if (!done) forged = make(packet);
    done = done || !forged.empty();
    return forged;
  };
}

/// The first message over IPv4 whose first byte is `magic`, again with another content behind its counter or nonce.
Forger altered(std::uint8_t magic) {
  return once([magic](ByteView packet) -> std::vector<Bytes> {
    const ByteView message = datagram_in(packet);
    const std::size_t header = packet.size() - message.size();
    if (message.size() < 48 || message[0] != magic || header != kHeaders) return {};
    Bytes other(packet.begin(), packet.end());
    other[kHeaders + 40] ^= 1;
    return {other};
  });
}

Forger probe_to(const IpAddress& to) {
  return once([to](ByteView) { return std::vector<Bytes>{forged_probe({IpAddress::v4(192, 168, 1, 10), 41641}, to)}; });
}

Forger flood() {
  return once([](ByteView packet) {
    std::vector<Bytes> forged;
    const auto flow = probe_flow(packet);
    if (!flow || flow->source.address.is_private() || !flow->source.address.is_v4()) return forged;
    for (std::uint16_t port = 1; port <= 1'000; ++port)
      forged.push_back(forged_probe({flow->source.address, port}, flow->destination.address, port));
    return forged;
  });
}

/// What the first host that draws a key, the coordinator's, and the last one, a node's, drew first.
struct DrawnKeys {
  std::set<const io::Host*> known;
  Bytes first, last;

  void see(const io::Host& host, ByteView drawn) {
    if (drawn.size() != crypto::PrivateKey::kSize || !known.insert(&host).second) return;
    if (first.empty()) first = to_bytes(drawn);
    last = to_bytes(drawn);
  }
};

Bytes initiation_with(const crypto::PublicKey& ephemeral) {
  Bytes message(148);
  message[0] = 1;
  std::ranges::copy(ephemeral.bytes(), message.begin() + 8);
  return message;
}

/// When the nodes have begun to look for each other.
void forge_keys(World& world, Sabotage fault) {
  const auto keys = std::make_shared<DrawnKeys>();
  world.watch_entropy([keys](const io::Host& host, ByteView drawn) { keys->see(host, drawn); });
  world.forge(once([keys, fault](ByteView packet) -> std::vector<Bytes> {
    const auto flow = probe_flow(packet);
    if (!flow || !flow->source.address.is_v4()) return {};
    const Bytes content = fault == Sabotage::leaked_key
                              ? keys->last
                              : initiation_with(crypto::PrivateKey::from_bytes(keys->first)->public_key());
    return {datagram(flow->source, flow->destination.address, content)};
  }));
}

Forger forger(Sabotage fault, Bytes canary) {
  switch (fault) {
    case Sabotage::plaintext:
      return once([canary](ByteView packet) {
        return std::vector<Bytes>{datagram({fabric::source_of(packet), 7}, fabric::destination_of(packet), canary)};
      });
    case Sabotage::private_probe:
      return probe_to(IpAddress::v4(192, 168, 7, 7));
    case Sabotage::stranger_probe:
      return probe_to(IpAddress::v4(198, 51, 100, 7));
    case Sabotage::loop:
      return once([](ByteView packet) {
        const IpAddress source = fabric::source_of(packet);
        return std::vector<Bytes>{datagram({source, 41641}, source, to_bytes(as_bytes("around")))};
      });
    case Sabotage::overlay_loop:
      return once([](ByteView packet) {
        return std::vector<Bytes>{datagram({fabric::source_of(packet), 7}, IpAddress::v4(100, 64, 0, 7), {})};
      });
    case Sabotage::flood:
      return flood();
    case Sabotage::counter:
      return altered(4);  // WireGuard's transport data
    case Sabotage::nonce:
      return altered(path::kProbeMagic);
    default:
      return {};
  }
}

}  // namespace

std::vector<std::string> sabotages() {
  std::vector<std::string> names;
  for (const auto& [name, fault] : kNames) names.emplace_back(name);
  return names;
}

Sabotage sabotage(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name, &std::pair<std::string_view, Sabotage>::first);
  return found == std::end(kNames) ? Sabotage::none : found->second;
}

WorldFactory sabotaged(WorldFactory make_world, Sabotage fault) {
  if (fault == Sabotage::none) return make_world;
  return [make_world = std::move(make_world), fault](std::uint64_t seed, const RegionPlan& regions) {
    auto world = make_world(seed, regions);
    if (fault == Sabotage::no_direct) world->lose(is_direct_probe);
    if (fault == Sabotage::no_search) world->lose(search_probes());
    if (fault == Sabotage::silence) world->lose(all_but_the_first());
    if (fault == Sabotage::replay) world->deliver_twice();
    if (fault == Sabotage::session_end || fault == Sabotage::leaked_key) forge_keys(*world, fault);
    if (auto forge = forger(fault, world->canary())) world->forge(std::move(forge));
    return world;
  };
}

}  // namespace weft::sim
