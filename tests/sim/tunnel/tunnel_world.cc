// SPDX-License-Identifier: GPL-2.0-only
#include "tests/sim/tunnel/tunnel_world.h"

#include "mesh/base/assert.h"
#include "sim/traffic/canary.h"

namespace weft::sim_tests {
namespace {

constexpr std::uint16_t kPort = 51820;
IpAddress ip(const char* text) { return *IpAddress::parse(text); }

}  // namespace

TunnelWorld::TunnelWorld(const TunnelOptions& given) : options(given), network({.seed = given.seed}) {
  left = &add_home("left", "203.0.113.1", "2001:db8:1::2", home_left);
  right = &add_home("right", "203.0.113.2", "2001:db8:2::2", home_right);
  left_key = crypto::PrivateKey::generate(left->entropy());
  right_key = crypto::PrivateKey::generate(right->entropy());
  left_kernel = std::make_unique<traffic::EchoResponder>(*left);
  right_kernel = std::make_unique<traffic::EchoResponder>(*right);
  network.observe([this](const fabric::WireEvent& event) {
    ++wire_packets;
    if (traffic::contains_canary(event.bytes)) ++plaintext;
  });
  start_left();
  start_right();
}

TunnelWorld::~TunnelWorld() = default;

fabric::FabricHost& TunnelWorld::add_home(const std::string& name, const char* external, const char* global6,
                                          fabric::NatPlace& home) {
  home = network.add_nat(
      {.name = "home-" + name, .external = {ip(external)}, .link = {.delay = 5ms, .loss_ppm = options.loss_ppm}},
      options.nat);
  return network.add_host({.name = name, .realm = home.inside, .addresses = {ip("10.0.0.2"), ip(global6)}});
}

void TunnelWorld::start_left() { left_tunnel = start(*left, true); }
void TunnelWorld::start_right() { right_tunnel = start(*right, false); }

std::unique_ptr<tunnel::StaticTunnel> TunnelWorld::start(fabric::FabricHost& host, bool is_left) {
  const char* own4 = is_left ? "100.64.0.1" : "100.64.0.2";
  const char* own6 = is_left ? "fd00::1" : "fd00::2";
  const char* peer4 = is_left ? "100.64.0.2" : "100.64.0.1";
  const char* peer6 = is_left ? "fd00::2" : "fd00::1";
  const char* outside4 = is_left ? "203.0.113.2" : "203.0.113.1";
  const char* outside6 = is_left ? "2001:db8:2::2" : "2001:db8:1::2";
  tunnel::StaticTunnelConfig config;
  config.private_key = is_left ? left_key : right_key;
  config.listen = {{IpAddress::any(options.underlay_v6 ? IpFamily::v6 : IpFamily::v4), kPort}};
  config.tun.addresses = {Prefix::host(ip(own4)), Prefix::host(ip(own6))};
  tunnel::StaticPeer peer;
  peer.public_key = (is_left ? right_key : left_key).public_key();
  peer.allowed_ips = {Prefix::host(ip(peer4)), Prefix::host(ip(peer6))};
  peer.endpoint = Endpoint{ip(options.underlay_v6 ? outside6 : outside4), kPort};
  peer.persistent_keepalive = options.keepalive;
  config.peers.push_back(peer);
  auto service = std::make_unique<tunnel::StaticTunnel>(host, std::move(config));
  const auto started = service->start();
  WEFT_ASSERT(started);
  return service;
}

std::unique_ptr<traffic::Echo> TunnelWorld::ping(Duration start_at, std::uint64_t count, Duration interval, bool v6) {
  return std::make_unique<traffic::Echo>(*left, traffic::EchoOptions{.destination = v6 ? ip("fd00::2") : kRight4,
                                                                     .start = network.now() + start_at,
                                                                     .interval = interval,
                                                                     .count = count});
}

}  // namespace weft::sim_tests
