// SPDX-License-Identifier: GPL-2.0-only
// Each file of nat-models/ is probed from inside by an RFC 5780 client, through real packets, and must classify as it
// declares:
//
//   client, two sockets (10.0.0.1) -- the model's NAT (203.0.113.1) -- server (198.51.100.1 and .2, ports 3478 and
//   3479)
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <filesystem>

#include "mesh/stun/nat_discovery.h"
#include "mesh/stun/server.h"
#include "sim/nat/model.h"
#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

const std::vector<Endpoint> kServers{ep("198.51.100.1:3478"), ep("198.51.100.1:3479"), ep("198.51.100.2:3478"),
                                     ep("198.51.100.2:3479")};

/// A discovery run with no delay but its own timers.
class Probe {
 public:
  explicit Probe(const Behavior& behavior)
      : lab_(behavior, {ip("203.0.113.1")}),
        random_(1, "discovery"),
        server_({.endpoints = kServers, .software = {}}),
        client_(config(), random_) {}

  stun::DiscoveryFinished run() {
    client_.start(now_);
    while (true) {
      while (auto datagram = client_.poll_transmit()) carry(*datagram);
      while (const auto event = client_.poll_event()) {
        if (const auto* finished = std::get_if<stun::DiscoveryFinished>(&*event)) return *finished;
      }
      if (auto deadline = client_.next_deadline()) {
        now_ = std::max(now_, *deadline);
        client_.handle_timeout(now_);
      }
    }
  }

 private:
  static stun::DiscoveryConfig config() {
    stun::DiscoveryConfig config;
    config.servers = {kServers[0]};
    return config;
  }
  static Endpoint local(stun::TestSocket socket) {
    return ep(socket == stun::TestSocket::shared ? "10.0.0.1:5000" : "10.0.0.1:5001");
  }

  /// One request out and, if the NAT lets it, its answer back in.
  void carry(const stun::DiscoveryDatagram& datagram) {
    Bytes request = udp(local(datagram.socket), datagram.destination, datagram.bytes);
    if (!lab_.nat.translate(now_, Side::inside, request).forwarded()) return;
    const auto outside = parse_packet(request);
    const auto answer =
        server_.handle_datagram(now_, outside->source, outside->destination, ByteView(request).subspan(28));
    if (!answer) return;
    Bytes response = udp(answer->source, answer->destination, answer->bytes);
    if (!lab_.nat.translate(now_, Side::outside, response).forwarded()) return;
    client_.handle_datagram(now_, datagram.socket, answer->source, ByteView(response).subspan(28));
  }

  NatLab lab_;
  SeededRandom random_;
  stun::Server server_;
  stun::NatDiscovery client_;
  Time now_{1s};
};

/// What a client can see of the mapping. A port that is preserved and overloaded is the same towards everybody, until
/// two hosts want it.
std::string seen_mapping(const Behavior& behavior) {
  constexpr const char* kWords[] = {"endpoint_independent", "address_dependent", "address_and_port_dependent"};
  const bool constant = behavior.ports.overload && behavior.ports.allocation == Allocation::preserve;
  if (behavior.translation != Translation::nat || constant) return kWords[0];
  return kWords[static_cast<int>(behavior.mapping)];
}

std::string seen_filtering(const Behavior& behavior) {
  constexpr const char* kWords[] = {"endpoint_independent", "address_dependent", "address_and_port_dependent"};
  return behavior.translation == Translation::none ? kWords[0] : kWords[static_cast<int>(behavior.filtering)];
}

TEST(NatModels, ClassifyAsDeclaredSeenByAnRfc5780Client) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(WEFT_SOURCE_DIR "/nat-models")) {
    const auto behavior = load_model(entry.path().string());
    ASSERT_TRUE(behavior) << behavior.error().message;
    SCOPED_TRACE(behavior->name);
    const stun::DiscoveryFinished found = Probe(*behavior).run();
    EXPECT_EQ(found.udp_blocked, behavior->udp == UdpPolicy::blocked);
    ++count;
    if (found.udp_blocked) continue;
    EXPECT_EQ(to_string(found.mapping), seen_mapping(*behavior));
    EXPECT_EQ(to_string(found.filtering), seen_filtering(*behavior));
  }
  EXPECT_GE(count, 25);
}

}  // namespace
}  // namespace weft::nat
