// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/probe.h"

#include <gtest/gtest.h>

namespace weft::path {
namespace {

const crypto::SymmetricKey kKey({1, 2, 3});
const KeyId kSender = {9, 8, 7, 6, 5, 4, 3, 2};
const Endpoint kV6{*IpAddress::parse("2001:db8::1"), 51820};
const Endpoint kV4{IpAddress::v4(192, 0, 2, 1), 41641};

template <typename Message>
Message round_trip(const Message& message) {
  SeededRandom random(1, "probe");
  const Bytes datagram = seal({42, message}, kKey, kSender, random);
  EXPECT_EQ(sender_of(datagram), kSender);
  const auto probe = open(datagram, kKey);
  EXPECT_TRUE(probe.has_value());
  EXPECT_EQ(probe->transaction_id, 42u);
  return std::get<Message>(probe->message);
}

TEST(Probe, MessagesSurviveTheWire) {
  EXPECT_TRUE(round_trip(Ping{.suspect = true}).suspect);
  EXPECT_FALSE(round_trip(Ping{.suspect = true}).relay_preferred);
  EXPECT_TRUE(round_trip(Ping{.relay_preferred = true}).relay_preferred);
  EXPECT_EQ(round_trip(Ping{.lifetime = 95s}).lifetime, 95s);
  EXPECT_EQ(round_trip(Pong{.observed = {}, .lifetime = 185s}).lifetime, 185s);
  EXPECT_EQ(round_trip(Pong{.observed = kV6, .received = 0xfffffffeu}).received, 0xfffffffeu);
  EXPECT_EQ(round_trip(Pong{.observed = kV6}).received, std::nullopt);
  EXPECT_EQ(round_trip(Pong{.observed = kV6}).observed, kV6);
  EXPECT_EQ(round_trip(Pong{}).observed, std::nullopt);
  const Plan plan{.candidates = {{CandidateKind::host, kV4}, {CandidateKind::server_reflexive, kV6}},
                  .facts = {Mapping::address_dependent, Filtering::endpoint_independent, true},
                  .start = 20ms};
  const Plan heard = round_trip(plan);
  EXPECT_EQ(heard.candidates, plan.candidates);
  EXPECT_EQ(heard.facts, plan.facts);
  EXPECT_EQ(heard.start, 20ms);
  round_trip(PlanAck{});
}

TEST(Probe, WhatAPlanSaysAboutPortsSurvives) {
  Plan plan{.candidates = {{CandidateKind::host, kV4}}, .facts = {}, .start = 0ms};
  plan.facts = {.mapping = Mapping::address_and_port_dependent,
                .filtering = Filtering::address_and_port_dependent,
                .allocation = Allocation::sequential,
                .delta = -2,
                .ports = {4096, 8191},
                .lifetime = 120s,
                .nat_hops = 3};
  EXPECT_EQ(round_trip(plan).facts, plan.facts);
}

TEST(Probe, WhatAPlanSaysAboutTheRestOfTheNatSurvives) {
  SeededRandom random(1, "probe");
  Plan plan;
  plan.facts.port_mapping = PortMapping::verified;
  plan.facts.hairpinning = Hairpinning::external_source;
  plan.facts.pooling = Pooling::arbitrary;
  plan.facts.layers = 2;
  plan.facts.allocations_per_minute = 0;
  plan.candidates = {{CandidateKind::port_mapped, kV4}};
  const auto probe = open(seal({1, plan}, kKey, kSender, random), kKey);
  ASSERT_TRUE(probe.has_value());
  EXPECT_EQ(std::get<Plan>(probe->message).facts, plan.facts);
  EXPECT_EQ(std::get<Plan>(probe->message).candidates, plan.candidates);
}

TEST(Probe, SearchOfferSurvives) {
  SearchOffer offer{.pattern = {.kind = PortPattern::Kind::range, .ports = {}, .range = {1024, 65535}}, .guesses = 983};
  EXPECT_EQ(round_trip(offer), offer);
  offer.pattern = {.kind = PortPattern::Kind::listed, .ports = {40000, 40001}, .base = 7, .step = -1, .range = {}};
  EXPECT_EQ(round_trip(offer), offer);
}

/// Version 1 on the wire: type, transaction id, kind, guesses, base, step, low, high, count, ports.
TEST(Probe, BytesOfASearchOffer) {
  const auto bytes = *from_hex("05 000000000000002a 01 0004 0000 0001 0000 0000 02 9c40 9c41");
  const auto probe = parse_message(bytes);
  ASSERT_TRUE(probe.has_value());
  const auto& offer = std::get<SearchOffer>(probe->message);
  EXPECT_EQ(offer.pattern.ports, (std::vector<std::uint16_t>{40000, 40001}));
  EXPECT_EQ(offer.guesses, 4);
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(parse_message(ByteView(bytes).first(n))) << n;
  Bytes unknown_kind = bytes;
  unknown_kind[9] = 4;
  EXPECT_FALSE(parse_message(unknown_kind));
}

/// Version 1 on the wire, byte by byte: type, transaction id, then the fields.
TEST(Probe, BytesOfAPlan) {
  const auto bytes = *from_hex(
      "03 000000000000002a 02 01 01 0014 01"  // plan, id 42, mapping ADM, filtering EIF, udp blocked, 20 ms, 1
                                              // candidate
      "01 04 a2b9 c0000201 000000000000000000000000");  // server reflexive, IPv4, port, address, padding
  const auto probe = parse_message(bytes);
  ASSERT_TRUE(probe.has_value());
  const auto& plan = std::get<Plan>(probe->message);
  EXPECT_EQ(plan.facts, (NatFacts{Mapping::address_dependent, Filtering::endpoint_independent, true}));
  EXPECT_EQ(plan.start, 20ms);
  ASSERT_EQ(plan.candidates.size(), 1u);
  EXPECT_EQ(plan.candidates[0], (Candidate{CandidateKind::server_reflexive, {IpAddress::v4(192, 0, 2, 1), 0xa2b9}}));
}

TEST(Probe, RequestIsNeverShorterThanItsAnswer) {
  SeededRandom random(1, "probe");
  const auto size = [&](const auto& message) { return seal({1, message}, kKey, kSender, random).size(); };
  EXPECT_GE(size(Ping{}), size(Pong{.observed = kV6}));
  EXPECT_GE(size(Plan{}), size(PlanAck{}));
}

TEST(Probe, PaddedPingHasTheLengthItAsksFor) {
  SeededRandom random(1, "probe");
  for (const std::uint16_t length : {100, 288, 1432, 9000}) {
    const Bytes datagram = seal({1, Ping{.size = length}}, kKey, kSender, random);
    EXPECT_EQ(datagram.size(), length);
    const auto probe = open(datagram, kKey);
    ASSERT_TRUE(probe);
    EXPECT_EQ(std::get<Ping>(probe->message).size, length);
  }
  EXPECT_EQ(seal({1, Ping{.size = 10}}, kKey, kSender, random).size(), seal({1, Ping{}}, kKey, kSender, random).size());
}

TEST(Probe, EveryTruncationIsRefused) {
  SeededRandom random(1, "probe");
  const Bytes datagram = seal({1, Pong{.observed = kV4}}, kKey, kSender, random);
  for (std::size_t n = 0; n < datagram.size(); ++n) EXPECT_FALSE(open(ByteView(datagram).first(n), kKey)) << n;
  const Bytes plain = *from_hex("03 000000000000002a 02 01 01 0014 01 01 04 a2b9 c0000201 000000000000000000000000");
  for (std::size_t n = 0; n < plain.size(); ++n) EXPECT_FALSE(parse_message(ByteView(plain).first(n))) << n;
}

TEST(Probe, EveryDamagedByteIsRefused) {
  SeededRandom random(1, "probe");
  const Bytes datagram = seal({1, Ping{}}, kKey, kSender, random);
  for (std::size_t i = 0; i < datagram.size(); ++i) {
    Bytes damaged = datagram;
    damaged[i] ^= 1;
    EXPECT_FALSE(open(damaged, kKey)) << i;
  }
}

TEST(Probe, LaterVersionsMayAppendFieldsAndMessages) {
  EXPECT_TRUE(parse_message(*from_hex("04 0000000000000001 ffffff")).has_value());
  EXPECT_EQ(parse_message(*from_hex("09 0000000000000001")).error(), ProbeError::unknown_message);
  EXPECT_EQ(parse_message(*from_hex("03 0000000000000001 01 01 00 0000 11")).error(), ProbeError::malformed);
}

TEST(Probe, CarryHasOneLengthAndTravels) {
  SeededRandom random(1, "probe");
  const KeyId node{1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<Carry> all = {
      {.kind = Carry::Kind::request, .node = node},
      {.kind = Carry::Kind::bound, .node = node, .channel = 0x01020304},
      {.kind = Carry::Kind::refused, .node = node, .why = Carry::Refusal::full},
      {.kind = Carry::Kind::release, .node = node},
  };
  for (const Carry& carry : all) {
    const Bytes datagram = seal({7, carry}, kKey, kSender, random);
    EXPECT_EQ(datagram.size(), kProbeHeaderSize + 9 + 14 + 16);
    const auto probe = open(datagram, kKey);
    ASSERT_TRUE(probe);
    EXPECT_EQ(probe->transaction_id, 7u);
    EXPECT_EQ(std::get<Carry>(probe->message), carry);
  }
  // bound, node, channel, why
  const auto plain = parse_message(*from_hex("06 0000000000000001 02 0102030405060708 0000002a 00"));
  ASSERT_TRUE(plain);
  EXPECT_EQ(std::get<Carry>(plain->message).channel, 42u);
  for (const char* bad : {"06 0000000000000001 02 0102030405060708 00000000 00",  // bound to no channel
                          "06 0000000000000001 01 0102030405060708 0000002a 00",  // a request with one
                          "06 0000000000000001 00 0102030405060708 00000000 00",  // of no kind
                          "06 0000000000000001 05 0102030405060708 00000000 00",  // of a later one
                          "06 0000000000000001 01 0102030405060708 000000"}) {    // too short
    EXPECT_EQ(parse_message(*from_hex(bad)).error(), ProbeError::malformed) << bad;
  }
  const auto later = parse_message(*from_hex("06 0000000000000001 03 0102030405060708 00000000 63"));
  ASSERT_TRUE(later);
  EXPECT_EQ(std::get<Carry>(later->message).why, Carry::Refusal::none) << "a reason of a later version";
}

TEST(Probe, BothSidesDeriveOneKeyAndDifferentIds) {
  const crypto::PrivateKey a({8}), b({16});
  const auto ab = crypto::x25519(a, b.public_key()), ba = crypto::x25519(b, a.public_key());
  EXPECT_EQ(probe_key(*ab), probe_key(*ba));
  EXPECT_NE(key_id(a.public_key()), key_id(b.public_key()));
}

}  // namespace
}  // namespace weft::path
