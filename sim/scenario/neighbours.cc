// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/neighbours.h"

#include <set>

#include "mesh/base/packet.h"
#include "mesh/io/host.h"
#include "mesh/io/udp_socket.h"
#include "sim/scenario/deployment.h"
#include "sim/scenario/scenario.h"
#include "sim/world/world.h"

namespace weft::sim {
namespace {

constexpr std::uint16_t kDiscard = 9;
constexpr std::uint16_t kFirstPort = 10000, kLastPort = 60000;

void send_one(io::Host& host, std::uint16_t port, const Endpoint& to) {
  const auto socket = host.open_udp({.local = {IpAddress::any(IpFamily::v4), port}});
  if (!socket) return;
  Bytes content(1);
  DatagramSlot item;
  item.slot = {content.data(), 1, 0, 1};
  item.meta.destination = to;
  item.meta.source.address = IpAddress::any(IpFamily::v4);
  (*socket)->send({&item, 1});
}

}  // namespace

Neighbours::Neighbours(World& world, Deployment& deployment, const Scenario& scenario, std::uint64_t seed)
    : world_(world), sink_{deployment.stun_servers().front().address, kDiscard} {
  std::set<std::string> done;
  for (const NodeSpec& node : scenario.nodes) {
    if (node.neighbour_flows_per_s <= 0 || !done.insert(node.site).second) continue;
    const std::string name = "neighbour of " + node.site;
    const AttachmentPlan at = deployment.sites().attach(node.site);
    auto& host = world.add_host(
        {.name = name, .place = at.place, .region = at.region, .addresses = at.addresses, .link = at.link});
    neighbours_.push_back(std::make_unique<Neighbour>(
        Neighbour{.host = &host,
                  .random = SeededRandom(seed, name),
                  .per_1000_s = static_cast<std::uint64_t>(node.neighbour_flows_per_s * 1000 + 0.5)}));
    send_later(*neighbours_.back());
  }
}

void Neighbours::send_later(Neighbour& neighbour) {
  Duration gap = 1ms;
  while (!neighbour.random.chance(neighbour.per_1000_s, 1'000'000)) gap += 1ms;
  world_.at(world_.now() + gap, [this, &neighbour] {
    send_one(*neighbour.host, neighbour.next_port, sink_);
    neighbour.next_port = neighbour.next_port == kLastPort ? kFirstPort : neighbour.next_port + 1;
    send_later(neighbour);
  });
}

}  // namespace weft::sim
