// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat_probe/probe_model.h"

#include "mesh/base/assert.h"
#include "mesh/relay_server/udp_sockets.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "sim/nat/rfc6052.h"

namespace weft::sim {
namespace {

using nat::Translation;

IpAddress address(const char* text) { return *IpAddress::parse(text); }

/// Who is where.
struct Plan {
  std::vector<IpAddress> servers;  // the STUN server's own
  IpAddress host;
  std::vector<IpAddress> external;  // of the box
  IpAddress server_seen;            // the first server address, as the host names it
};

/// An address of a prefix, with `last` at its end.
IpAddress in_prefix(const Prefix& prefix, std::uint8_t last) {
  std::array<std::uint8_t, 16> bytes{};
  std::copy(prefix.address.bytes().begin(), prefix.address.bytes().end(), bytes.begin());
  bytes[15] = last;
  return IpAddress::v6(bytes);
}

Plan plan_for(const nat::Behavior& behavior) {
  Plan plan{
      .servers = {address("198.51.100.1"), address("198.51.100.2")},
      .host = address("192.168.1.10"),
      .external = {address("203.0.113.1"), address("203.0.113.2"), address("203.0.113.3"), address("203.0.113.4")},
      .server_seen = address("198.51.100.1")};
  if (behavior.translation == Translation::nat64) {
    plan.host = address("2001:db8:1::10");
    plan.server_seen = nat::embed_ipv4(behavior.nat64_prefix, plan.servers[0]);
  }
  if (behavior.translation == Translation::nptv6) {
    plan.servers = {address("2001:db8:5::1"), address("2001:db8:5::2")};
    plan.server_seen = plan.servers[0];
    plan.host = in_prefix(behavior.internal_prefix, 0x10);
    plan.external = {*nat::translate_prefix(plan.host, behavior.internal_prefix, behavior.external_prefix)};
  }
  if (behavior.translation == Translation::firewall || behavior.translation == Translation::none) {
    plan.host = address("203.0.113.10");
    plan.external = {address("203.0.113.1")};
  }
  return plan;
}

}  // namespace

nat_probe::ProbeResult probe_model(const nat::Behavior& behavior, std::uint64_t seed, bool lifetimes) {
  const Plan plan = plan_for(behavior);
  fabric::Network network({.seed = seed});
  auto& machine = network.add_host({.name = "server", .addresses = plan.servers});
  const auto place =
      network.add_nat({.name = "box", .external = plan.external, .inside_address = address("192.168.1.1")}, behavior);
  auto& host = network.add_host({.name = "host", .realm = place.inside, .addresses = {plan.host}});
  relay_server::UdpSockets server(machine, [](std::uint16_t, std::span<const DatagramSlot>) {});
  std::vector<Endpoint> endpoints;
  for (const IpAddress& own : plan.servers) {
    for (const std::uint16_t port : {3478, 3479}) endpoints.push_back({own, port});
  }
  WEFT_ASSERT(server.open(endpoints).has_value());
  nat_probe::ProbeOptions options{
      .server = {plan.server_seen, 3478}, .lifetimes = lifetimes, .local_address = plan.host};
  if (behavior.translation == Translation::nat64) options.nat64_prefix = behavior.nat64_prefix;
  nat_probe::Prober prober(host, options);
  bool finished = false;
  prober.on_finished = [&] { finished = true; };
  WEFT_ASSERT(prober.start().has_value());
  network.run_until([&] { return finished; }, network.now() + 2h);
  WEFT_ASSERT(finished);
  return prober.result();
}

}  // namespace weft::sim
