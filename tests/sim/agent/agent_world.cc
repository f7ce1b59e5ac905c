// SPDX-License-Identifier: GPL-2.0-only
#include "tests/sim/agent/agent_world.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "mesh/io/stream.h"

namespace weft::agent::test {
namespace {

const Endpoint kCoordinator{IpAddress::v4(203, 0, 113, 1), 443};

fabric::NetworkOptions options(std::uint64_t seed) {
  fabric::NetworkOptions options{.seed = seed};
  options.regions = topology::RegionMatrix(2, {.latency = 3 * kOneWay}, {.latency = kOneWay - 200us});
  return options;
}

}  // namespace

AgentWorld::AgentWorld(std::uint64_t seed, bool tls) : network(options(seed)), tls_(tls) {
  network.observe([this](const fabric::WireEvent& event) {
    static const std::string canary = "weft canary in plaintext";
    const auto text = as_text(event.bytes);
    plaintext_seen = plaintext_seen || text.find(canary) != std::string_view::npos;
  });
  coordinator_host = &network.add_host({.name = "coordinator", .addresses = {kCoordinator.address}});
  coordinator = std::make_unique<coordinator::Coordinator>(
      *coordinator_host,
      coordinator::CoordinatorConfig{.listen = {kCoordinator}, .advertised = {kCoordinator}, .tls = tls_});
  EXPECT_TRUE(coordinator->start());
  add_relay("relay", 0);
}

void AgentWorld::add_relay(const std::string& name, std::uint16_t region) {
  const std::uint8_t n = next_++;
  const auto first = IpAddress::v4(203, 0, 113, static_cast<std::uint8_t>(2 * n));
  const auto second = IpAddress::v4(203, 0, 113, static_cast<std::uint8_t>(2 * n + 1));
  const auto v6 = *IpAddress::parse("2001:db8:ffff::" + std::to_string(n));
  auto& host = network.add_host({.name = name, .region = region, .addresses = {first, second, v6}});
  relay_server::RelayServerConfig config;
  config.name = name;
  config.stream_listen = {{first, 443}};
  config.stun_listen = {{first, 3478}, {first, 3479}, {second, 3478}, {second, 3479}, {v6, 3478}, {v6, 3479}};
  config.tls = tls_;
  config.token = coordinator->create_key({}).value();
  relays.push_back(std::make_unique<relay_server::RelayServer>(host, std::move(config)));
  EXPECT_TRUE(relays.back()->start());
}

AgentWorld::~AgentWorld() {
  nodes.clear();
  relays.clear();
  coordinator.reset();
}

Node& AgentWorld::add_node(const std::string& name, const std::optional<nat::Behavior>& behavior,
                           std::uint16_t region) {
  const std::uint8_t n = next_++;
  Node& node = nodes.emplace_back();
  fabric::HostOptions host{.name = name, .region = region};
  if (behavior) {
    // Behind a gateway that translates nothing the host has an address of the Internet.
    const bool translates = behavior->translation == nat::Translation::nat;
    const auto inside = [&](std::uint8_t last) {
      return translates ? IpAddress::v4(10, 0, n, last) : IpAddress::v4(100, 0, n, last);
    };
    const auto place = network.add_nat({.name = name + "-nat",
                                        .region = region,
                                        .external = {IpAddress::v4(192, 0, 2, n)},
                                        .inside_address = inside(1),
                                        .on_link = {Prefix{inside(0), 24}}},
                                       *behavior);
    node.nat = place.node;
    node.realm = host.realm = place.inside;
    host.addresses = {inside(2)};
    if (dual_stack) host.addresses.push_back(*IpAddress::parse("2001:db8:" + std::to_string(n) + "::2"));
  } else {
    host.addresses = {IpAddress::v4(198, 51, 100, n)};
  }
  return join(node, host);
}

Node& AgentWorld::add_sibling(const std::string& name, const Node& other) {
  const std::uint8_t n = next_++;
  Node& node = nodes.emplace_back();
  node.nat = other.nat;
  node.realm = other.realm;
  auto address = other.host->addresses().front().v4_host_order() & 0xffffff00;
  return join(node, {.name = name, .realm = other.realm, .addresses = {IpAddress::v4(address + 100 + n)}});
}

Node& AgentWorld::join(Node& node, const fabric::HostOptions& host) {
  node.host = &network.add_host(host);
  node.echo = std::make_unique<Echo>(network, *node.host);
  node.config.name = host.name;
  node.config.topology = topology;
  node.config.relay_for_peers = relay_for_peers;
  node.config.token = coordinator->create_key({}).value();
  start(node);
  return node;
}

void AgentWorld::start(Node& node) {
  node.agent = std::make_unique<Agent>(*node.host, node.config);
  node.agent->on_path = [&node](const PathReport& report) { node.reports.push_back(report); };
  node.agent->on_error = [&node](const Error& error) { node.errors.push_back(error); };
  const auto started = node.agent->start();
  EXPECT_TRUE(started) << started.error().message;
}

void AgentWorld::stop_coordinator() { coordinator.reset(); }

bool AgentWorld::settle() {
  const bool ready = until([&] {
    return std::all_of(nodes.begin(), nodes.end(), [&](const Node& node) {
      return node.ready() && node.agent->status().peers.size() + 1 == nodes.size();
    });
  });
  network.run_for(5s);
  return ready;
}

nat::Behavior nat_of(nat::Mapping mapping, nat::Filtering filtering) {
  nat::Behavior behavior;
  behavior.mapping = mapping;
  behavior.filtering = filtering;
  behavior.ports.allocation = nat::Allocation::random;
  return behavior;
}

}  // namespace weft::agent::test
