// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <set>

#include "mesh/agent/datagram_mux.h"
#include "mesh/agent/identity.h"
#include "mesh/agent/timestamps.h"
#include "mesh/io/clock.h"
#include "mesh/io/state_store.h"
#include "mesh/io/udp_socket.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"

namespace weft::agent {
namespace {

fabric::FabricHost& host_of(fabric::Network& network) {
  return network.add_host({.name = "host", .addresses = {IpAddress::v4(192, 0, 2, 1)}});
}

std::string token_text(Entropy& entropy, std::uint8_t secret) {
  control::Token token{.endpoints = {{IpAddress::v4(192, 0, 2, 9), 443}}};
  token.coordinator_key = crypto::PrivateKey::generate(entropy).public_key();
  token.secret[0] = secret;
  token.provenance = entropy.provenance();
  return control::encode(token);
}

TEST(Classify, FollowsTheOrderOfTheProtocolDocument) {
  const auto kind = [](const char* hex, std::size_t pad) {
    Bytes bytes = *from_hex(hex);
    bytes.resize(std::max(bytes.size(), pad));
    return classify(bytes);
  };
  EXPECT_EQ(kind("0001 0000 2112a442", 20), DatagramKind::stun);
  EXPECT_EQ(kind("0101 0000 2112a442", 20), DatagramKind::stun);
  EXPECT_EQ(kind("0001 0000 2112a442", 19), DatagramKind::unknown) << "shorter than a header";
  EXPECT_EQ(kind("01000000 2112a442", 148), DatagramKind::stun) << "the cookie is asked for first";
  for (const char* type : {"01000000", "02000000", "03000000", "04000000"}) {
    EXPECT_EQ(kind(type, 32), DatagramKind::wireguard) << type;
  }
  EXPECT_EQ(kind("05000000", 32), DatagramKind::unknown);
  EXPECT_EQ(kind("04000100", 32), DatagramKind::unknown);
  EXPECT_EQ(kind("d7010000", 64), DatagramKind::probe);
  EXPECT_EQ(kind("d8150000", 64), DatagramKind::relay);
  EXPECT_EQ(kind("d7", 1), DatagramKind::unknown);
  EXPECT_EQ(classify({}), DatagramKind::unknown);
}

TEST(DatagramMux, SplitsRunsAndTellsTheKindsApart) {
  fabric::Network network({.seed = 1});
  auto& left = host_of(network);
  auto& right = network.add_host({.name = "right", .addresses = {IpAddress::v4(192, 0, 2, 2)}});
  DatagramMux mux(right);
  std::size_t packets = 0, probes = 0, stun = 0, relayed = 0;
  std::set<std::size_t> sizes;
  ASSERT_TRUE(mux.open(5000, {.on_wireguard =
                                  [&](std::span<PacketSlot> slots) {
                                    packets += slots.size();
                                    for (const auto& slot : slots) {
                                      sizes.insert(slot.slot.length);
                                      const auto remote =
                                          slot.path.relay == 7 ? IpAddress() : IpAddress::v4(192, 0, 2, 1);
                                      EXPECT_EQ(slot.path.remote.address, remote);
                                    }
                                  },
                              .on_probe = [&](const PathId&, ByteView) { ++probes; },
                              .on_stun = [&](std::uint16_t, const Endpoint&, ByteView) { ++stun; },
                              .on_relay = [&](const Endpoint&, ByteView) -> std::optional<std::uint16_t> {
                                return ++relayed % 2 == 0 ? std::optional<std::uint16_t>(7) : std::nullopt;
                              }}));
  auto socket = left.open_udp({.local = {IpAddress::any(IpFamily::v4), 6000}});
  ASSERT_TRUE(socket);
  const auto send = [&](Bytes bytes, std::uint16_t segment) {
    DatagramSlot item;
    item.slot = {bytes.data(), static_cast<std::uint32_t>(bytes.size()), 0, static_cast<std::uint32_t>(bytes.size())};
    item.meta.destination = {IpAddress::v4(192, 0, 2, 2), 5000};
    item.meta.segment_size = segment;
    EXPECT_EQ((*socket)->send({&item, 1}), 1u);
  };
  Bytes run;
  for (int i = 0; i < 5; ++i) {
    Bytes one(i == 4 ? 40 : 100);
    one[0] = 4;
    run.insert(run.end(), one.begin(), one.end());
  }
  send(run, 100);
  Bytes probe(64);
  probe[0] = 0xD7;
  send(probe, 0);
  Bytes relay(2 * 50);
  relay[0] = relay[50] = 0xD8;
  send(relay, 50);
  Bytes binding = *from_hex("0001 0000 2112a442");
  binding.resize(20);
  send(binding, 0);
  send(Bytes(30, 0xff), 0);
  network.run_for(1s);
  EXPECT_EQ(packets, 6u);
  EXPECT_EQ(sizes, (std::set<std::size_t>{40, 44, 100}));  // 44: behind the header of relay over UDP
  EXPECT_EQ(relayed, 2u);
  EXPECT_EQ(probes, 1u);
  EXPECT_EQ(stun, 1u);
  EXPECT_EQ(mux.counters().unknown, 1u);
  EXPECT_EQ(mux.counters().received, 10u);
}

TEST(Timestamps, GrowAcrossRestartsCrashesAndClocksSetBack) {
  fabric::Network network({.seed = 1});
  auto& host = host_of(network);
  io::StateStore store(host.files());
  wireguard::Tai64n last{};
  for (int run = 0; run < 4; ++run) {
    host.set_wall_skew(run * -365 * 24h);
    Timestamps timestamps(host.clock(), store);
    ASSERT_TRUE(timestamps.load());
    for (int i = 0; i < 100; ++i) {
      const auto next = timestamps.next();
      ASSERT_GT(next, last) << "run " << run;
      last = next;
    }
    network.run_for(90s);
    const auto next = timestamps.next();
    ASSERT_GT(next, last);
    last = next;
  }
}

TEST(Identity, IsMadeOnceAndKept) {
  fabric::Network network({.seed = 1});
  auto& host = host_of(network);
  io::StateStore store(host.files());
  EXPECT_EQ(load_identity(store, host.entropy(), std::nullopt).error().code, ErrorCode::needs_login);
  const auto first = load_identity(store, host.entropy(), token_text(host.entropy(), 1));
  ASSERT_TRUE(first) << first.error().message;
  const auto again = load_identity(store, host.entropy(), std::nullopt);
  ASSERT_TRUE(again);
  EXPECT_EQ(first->node_key, again->node_key);
  EXPECT_EQ(first->machine_key, again->machine_key);
  EXPECT_EQ(first->token, again->token);
  const auto other = load_identity(store, host.entropy(), token_text(host.entropy(), 2));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->token.secret[0], 2) << "a token that is given replaces the stored one";
  EXPECT_EQ(first->node_key, other->node_key);
}

TEST(Identity, DamageIsToldAndNotRepaired) {
  fabric::Network network({.seed = 1});
  auto& host = host_of(network);
  io::StateStore store(host.files());
  ASSERT_TRUE(load_identity(store, host.entropy(), token_text(host.entropy(), 1)));
  const auto stored = **store.get("identity");
  for (std::size_t n = 0; n < stored.size(); ++n) {
    ASSERT_TRUE(store.put("identity", ByteView(stored).first(n)));
    EXPECT_EQ(load_identity(store, host.entropy(), std::nullopt).error().code, ErrorCode::corrupt) << n;
  }
  Bytes foreign = stored;
  foreign[1] ^= 1;
  ASSERT_TRUE(store.put("identity", foreign));
  EXPECT_EQ(load_identity(store, host.entropy(), std::nullopt).error().code, ErrorCode::usage);
}

}  // namespace
}  // namespace weft::agent
