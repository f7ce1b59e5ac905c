// SPDX-License-Identifier: BSD-3-Clause
// Relay over UDP: two clients, a hub between them, and all that may happen to a binding.
#include <gtest/gtest.h>

#include <map>

#include "mesh/relay/udp_frame.h"
#include "mesh/relay/udp_table.h"
#include "tests/unit/relay/wires.h"

namespace weft::relay {
namespace {

const Bytes kHello = to_bytes(as_bytes("hello"));

struct Pair : Wires {
  Client& a = connect_udp(1001);
  Client& b = connect_udp(1002);
  Pair() {
    settle();
    send(a, b, kHello);  // opens the channels
    send(b, a, kHello);
  }
};

TEST(UdpFrame, ControlSurvivesTheWireAndAnyChangeIsSeen) {
  SeededRandom random(1, "udp");
  UdpKey key;
  random.fill(key.mutable_bytes());
  const UdpControl message{.type = UdpType::proof, .binding = 0x0102030405060708, .counter = 9, .cookie = {1, 2, 3}};
  const auto bytes = serialize(message, key);
  EXPECT_EQ(to_hex(ByteView(bytes).first(18)), "d81301020304050607080000000000000009");
  const auto parsed = parse_udp_control(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->type, message.type);
  EXPECT_EQ(parsed->binding, message.binding);
  EXPECT_EQ(parsed->counter, message.counter);
  EXPECT_EQ(parsed->cookie, message.cookie);
  EXPECT_TRUE(authentic(bytes, key));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto changed = bytes;
    changed[i] ^= 1;
    EXPECT_FALSE(parse_udp_control(changed) && authentic(changed, key)) << i;
  }
}

TEST(UdpFrame, RefusesOtherVersionsTypesAndLengths) {
  auto bytes = serialize({}, UdpKey());
  EXPECT_FALSE(parse_udp_control(ByteView(bytes).first(kUdpControlSize - 1)));
  bytes[1] = 0x21;
  EXPECT_FALSE(parse_udp_control(bytes));
  bytes[1] = 0x15;
  EXPECT_FALSE(parse_udp_control(bytes));
  EXPECT_EQ(data_channel(bytes), 0u);
  EXPECT_FALSE(data_channel(ByteView(bytes).first(5)));
  bytes[0] = 0xD7;
  EXPECT_FALSE(data_channel(bytes));
}

/// Found by scripts/tcp-events: one side's binding is offered anew, the other's channel is used meanwhile, and then the
/// other one leaves.
TEST(UdpTable, NoWayBackOutlivesTheChannelThatItLeadsTo) {
  test::SeededEntropy entropy(1);
  UdpTable table(entropy);
  const auto key_of = [](std::uint8_t n) { return crypto::PrivateKey({n}).public_key(); };
  const auto bind = [&](SessionId session) {
    const UdpKey key({static_cast<std::uint8_t>(session)});
    UdpControl control{.type = UdpType::hello, .binding = table.offer(session, key), .counter = 1, .cookie = {}};
    const UdpAddress from{0, {IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(session)), 1}, {}};
    table.handle_control(from, serialize(control, key));
    control.cookie = parse_udp_control(table.poll_transmit()->bytes)->cookie;
    control.type = UdpType::proof;
    table.handle_control(from, serialize(control, key));
    static_cast<void>(table.poll_transmit());
  };
  bind(1);
  bind(2);
  UdpTable::Channel* const of_two = table.open(2, key_of(1));
  UdpTable::link(table.open(1, key_of(2)), of_two);
  ASSERT_EQ(of_two->back, table.find(1, key_of(2)));
  table.offer(2, UdpKey({2}));
  UdpTable::link(table.open(1, key_of(2)), table.open(2, key_of(1)));
  EXPECT_EQ(of_two->back, nullptr);
  table.forget(1);
  bind(2);
  EXPECT_EQ(table.open(2, key_of(1))->back, nullptr);
}

TEST(RelayUdp, BothSidesUseItOnceTheyAreBoundAndKnowTheirChannels) {
  Pair pair;
  EXPECT_TRUE(pair.a.session->udp_bound() && pair.b.session->udp_bound());
  EXPECT_EQ(pair.b.all<Received>().size(), 1u);
  pair.send(pair.a, pair.b, kHello);
  pair.send(pair.b, pair.a, kHello);
  ASSERT_FALSE(pair.b.datagrams.empty());
  EXPECT_EQ(pair.b.datagrams.back().from, pair.a.key.public_key());
  EXPECT_EQ(to_hex(pair.b.datagrams.back().datagram), to_hex(kHello));
  EXPECT_EQ(pair.a.datagrams.back().from, pair.b.key.public_key());
  EXPECT_EQ(pair.b.all<Received>().size(), 1u);
  EXPECT_GE(pair.hub.counters().udp, 2u);
}

TEST(RelayUdp, AnIdleBindingIsKeptByAQuestionInTwentySeconds) {
  Pair pair;
  pair.run_for(10min);
  EXPECT_TRUE(pair.a.session->udp_bound());
  pair.send(pair.a, pair.b, kHello);
  EXPECT_EQ(pair.hub.counters().udp_refused, 0u);
  EXPECT_EQ(pair.b.datagrams.size() + pair.b.all<Received>().size(), 2u);
}

// The stream carries what the other side sends by UDP, and the other way round.
TEST(RelayUdp, BridgesToAndFromAClientThatHasOnlyAStream) {
  Wires wires;
  auto& udp = wires.connect_udp(1001);
  auto& stream = wires.connect();
  wires.settle();
  for (int i = 0; i < 3; ++i) {
    wires.send(udp, stream, kHello);
    wires.send(stream, udp, kHello);
  }
  EXPECT_EQ(stream.all<Received>().size(), 3u);
  EXPECT_EQ(udp.datagrams.size() + udp.all<Received>().size(), 3u);
  EXPECT_EQ(wires.hub.counters().udp_to_stream, 2u);
  EXPECT_EQ(wires.hub.counters().stream_to_udp, 3u - udp.all<Received>().size());
  EXPECT_GE(udp.datagrams.size(), 2u);
}

/// WireGuard waits 5 s before it repeats a lost one; a stream repeats after a few round trips.
TEST(RelayUdp, AHandshakeStaysOnTheStreamsOfBothSides) {
  Pair pair;
  pair.send(pair.a, pair.b, kHello);
  ASSERT_FALSE(pair.b.datagrams.empty()) << "data goes by UDP";
  const auto streamed = pair.b.all<Received>().size(), by_udp = pair.b.datagrams.size();
  for (const std::uint8_t type : {1, 2, 3}) {
    pair.a.session->send(pair.now, pair.b.key.public_key(), Bytes{type, 0, 0, 0, 7});
    pair.settle();
  }
  EXPECT_EQ(pair.b.all<Received>().size(), streamed + 3);
  pair.a.session->send(pair.now, pair.b.key.public_key(), Bytes{4, 0, 0, 0, 7});
  pair.settle();
  EXPECT_EQ(pair.b.datagrams.size(), by_udp + 1);
}

TEST(RelayUdp, ARunIsForwardedInOnePieceAndOneForTwoPeersIsCut) {
  Pair pair;
  auto& c = pair.connect_udp(1003);
  pair.settle();
  pair.send(pair.a, c, kHello);
  const auto to_b = pair.a.session->udp_route(pair.now, pair.b.key.public_key());
  const auto to_c = pair.a.session->udp_route(pair.now, c.key.public_key());
  ASSERT_TRUE(to_b && to_c);
  const std::size_t before = pair.b.datagrams.size();
  Bytes run;
  for (const UdpChannel channel : {to_b->channel, to_b->channel, to_c->channel, to_b->channel}) {
    const std::size_t at = run.size();
    run.resize(at + kUdpDataHeader + 5, static_cast<std::uint8_t>(at));
    write_data_header(&run[at], channel);
  }
  for (int i = 0; i < 2; ++i) run.pop_back();  // the last one is shorter
  pair.to_hub(*pair.a.udp, run, kUdpDataHeader + 5);
  ASSERT_EQ(pair.b.datagrams.size(), before + 3);
  EXPECT_EQ(pair.b.datagrams.back().datagram.size(), 3u);
  EXPECT_EQ(c.datagrams.size(), 1u);
}

TEST(RelayUdp, ADatagramFromAnotherAddressOrOnAnothersChannelGoesNowhere) {
  Pair pair;
  const auto route = pair.a.session->udp_route(pair.now, pair.b.key.public_key());
  ASSERT_TRUE(route);
  Bytes forged(kUdpDataHeader + 5);
  write_data_header(forged.data(), route->channel);
  const std::size_t before = pair.b.datagrams.size();
  pair.to_hub({IpAddress::v4(203, 0, 113, 9), 1001}, forged);
  pair.to_hub(*pair.b.udp, forged);
  write_data_header(forged.data(), route->channel + 1);
  pair.to_hub(*pair.a.udp, forged);
  EXPECT_EQ(pair.b.datagrams.size(), before);
  EXPECT_EQ(pair.hub.counters().udp_refused, 3u);
}

// Somebody who replays a client's question from elsewhere gets one answer, no longer than the question, and no binding.
TEST(RelayUdp, AReplayedHelloBindsNothing) {
  Wires wires;
  auto& a = wires.connect_udp(1001);
  while (const auto bytes = wires.hub.poll_write(a.id)) a.session->handle_data(wires.now, *bytes);
  wires.settle();
  ASSERT_TRUE(a.session->udp_bound());
  wires.now += 20s;
  a.session->handle_timeout(wires.now);
  const auto hello = a.session->poll_datagram();
  ASSERT_TRUE(hello);
  DatagramSlot item;
  Bytes bytes = to_bytes(hello->bytes);
  item.slot = {bytes.data(), kUdpControlSize, 0, kUdpControlSize};
  item.meta.source = {IpAddress::v4(203, 0, 113, 9), 9};
  EXPECT_TRUE(wires.forward(item).empty());
  const auto answer = wires.hub.poll_datagram();
  ASSERT_TRUE(answer);
  EXPECT_LE(answer->bytes.size(), bytes.size());
  EXPECT_EQ(parse_udp_control(answer->bytes)->type, UdpType::challenge);
  EXPECT_FALSE(wires.hub.poll_datagram());
  bytes[40] ^= 1;  // not even an answer
  EXPECT_TRUE(wires.forward(item).empty());
  EXPECT_FALSE(wires.hub.poll_datagram());
}

// The NAT gives the client another port: the relay challenges the new address and goes on there.
TEST(RelayUdp, FollowsAClientWhoseNatForgetsIt) {
  Pair pair;
  pair.run_for(1s);
  pair.a.udp->port = 2001;
  const std::size_t streamed = pair.b.all<Received>().size();
  pair.send(pair.a, pair.b, kHello);  // by the stream, and asks
  EXPECT_EQ(pair.b.all<Received>().size() + pair.b.datagrams.size(), streamed + 1);
  const std::size_t before = pair.b.datagrams.size();
  pair.send(pair.a, pair.b, kHello);
  pair.send(pair.b, pair.a, kHello);
  EXPECT_EQ(pair.b.datagrams.size(), before + 1);
  EXPECT_EQ(to_hex(pair.a.datagrams.back().datagram), to_hex(kHello));
  EXPECT_TRUE(pair.a.session->udp_bound());
}

TEST(RelayUdp, FallsBackToTheStreamWhenUdpFallsSilentAndReturns) {
  Pair pair;
  pair.run_for(1s);
  pair.a.udp_cut = true;
  pair.send(pair.a, pair.b, kHello);
  pair.run_for(2500ms);
  EXPECT_FALSE(pair.a.session->udp_bound());
  const auto streams = [&] { return pair.b.all<Received>().size() + pair.b.datagrams.size(); };
  const std::size_t before = streams();
  const std::size_t to_a = pair.a.all<Received>().size();
  pair.send(pair.a, pair.b, kHello);
  pair.send(pair.b, pair.a, kHello);  // by UDP as far as the relay
  EXPECT_EQ(streams(), before + 1);
  EXPECT_EQ(pair.a.all<Received>().size(), to_a + 1);
  EXPECT_TRUE(pair.a.all<Failed>().empty());
  pair.a.udp_cut = false;
  pair.run_for(60s);
  EXPECT_TRUE(pair.a.session->udp_bound());
  pair.send(pair.a, pair.b, kHello);  // after a rest: by the stream
  const auto udp = pair.hub.counters().udp;
  pair.send(pair.a, pair.b, kHello);
  EXPECT_EQ(pair.hub.counters().udp, udp + 1);
}

/// By satellite a relay answers later than a near one counts as silent.
TEST(UdpClient, IsBoundAndStaysSoWhereARoundTripTakesLongerThanASecond) {
  constexpr Duration kOneWay = 650ms;
  test::SeededEntropy entropy(1);
  UdpTable relay(entropy);
  const UdpKey key({1});
  const UdpAddress at_client{0, {IpAddress::v4(192, 0, 2, 1), 1001}, {}};
  UdpClient client({Wires::relay_udp()});
  std::multimap<Time, Bytes> to_relay, to_client;
  Time now{1h};
  client.start(now, key, relay.offer(1, key), 2 * kOneWay);
  unsigned bound = 0, steps = 0;
  for (const Time end = now + 5min; now < end; now += 10ms, ++steps) {
    while (!to_relay.empty() && to_relay.begin()->first <= now) {
      relay.handle_control(at_client, to_relay.begin()->second);
      to_relay.erase(to_relay.begin());
      while (const auto answer = relay.poll_transmit()) to_client.emplace(now + kOneWay, to_bytes(answer->bytes));
    }
    while (!to_client.empty() && to_client.begin()->first <= now) {
      client.handle_datagram(now, Wires::relay_udp(), to_client.begin()->second);
      to_client.erase(to_client.begin());
    }
    client.handle_timeout(now);
    bound += client.bound() ? 1 : 0;
    client.want_send(now);  // all the time, and nothing comes back but answers
    EXPECT_FALSE(client.take_lost());
    while (const auto asked = client.poll_transmit()) to_relay.emplace(now + kOneWay, to_bytes(asked->bytes));
  }
  EXPECT_GE(bound, steps - 4 * kOneWay / 10ms - 1) << "after two round trips, once and for all";
}

TEST(RelayUdp, AClientThatConnectsAgainIsFoundUnderItsNewSession) {
  Pair pair;
  auto& again = pair.connect(pair.b.key, {}, {}, Endpoint{IpAddress::v4(192, 0, 2, 1), 1009});
  pair.settle();
  pair.send(pair.a, pair.b, kHello);  // to the key: by UDP as far as the relay, then by the new stream
  EXPECT_EQ(again.all<Received>().size(), 1u);
  pair.send(pair.a, pair.b, kHello);
  EXPECT_EQ(again.datagrams.size(), 1u);
  EXPECT_EQ(pair.b.all<Received>().size(), 1u);
}

TEST(RelayUdp, TellsASenderThatThePeerIsGone) {
  Pair pair;
  pair.hub.remove(pair.b.id);
  pair.send(pair.a, pair.b, kHello);
  ASSERT_EQ(pair.a.all<PeerAbsent>().size(), 1u);
  EXPECT_EQ(pair.a.all<PeerAbsent>()[0].key, pair.b.key.public_key());
}

TEST(RelayUdp, ARevokedClientsAddressIsForgotten) {
  Pair pair;
  const auto route = pair.a.session->udp_route(pair.now, pair.b.key.public_key());
  pair.hub.revoke(pair.a.key.public_key(), pair.wall() + 24h, pair.wall());
  pair.settle();
  Bytes late(kUdpDataHeader + 5);
  write_data_header(late.data(), route->channel);
  const std::size_t before = pair.b.datagrams.size();
  pair.to_hub(*pair.a.udp, late);
  EXPECT_EQ(pair.b.datagrams.size(), before);
  EXPECT_EQ(pair.hub.counters().udp_refused, 1u);
}

}  // namespace
}  // namespace weft::relay
