// SPDX-License-Identifier: BSD-3-Clause
//
//   client ── wire ──┐
//   client ── wire ──┼── hub
//   client ── wire ──┘
#include <gtest/gtest.h>

#include "tests/unit/relay/wires.h"

namespace weft::relay {
namespace {

/// Why the session of this client ended; the test fails if it did not.
RelayError reason_of(const Wires::Client& client) {
  const auto failed = client.all<Failed>();
  EXPECT_EQ(failed.size(), 1U);
  return failed.empty() ? RelayError{} : failed[0].reason;
}

TEST(Relay, CarriesDatagramsBetweenTwoClientsByKey) {
  Wires wires;
  auto& a = wires.connect();
  auto& b = wires.connect();
  wires.settle();
  ASSERT_TRUE(a.session->ready() && b.session->ready());
  EXPECT_EQ(a.all<Ready>().size(), 1U);
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1400}, kMaxDatagram}) {
    EXPECT_TRUE(a.session->send(wires.now, b.key.public_key(), Bytes(size, 7)));
  }
  EXPECT_FALSE(a.session->send(wires.now, b.key.public_key(), Bytes(kMaxDatagram + 1)));
  wires.settle();
  const auto received = b.all<Received>();
  ASSERT_EQ(received.size(), 4U);
  EXPECT_EQ(received[0].from, a.key.public_key());
  EXPECT_EQ(received[3].datagram, Bytes(kMaxDatagram, 7));
  EXPECT_EQ(wires.hub.counters().forwarded, 4U);
  EXPECT_EQ(wires.hub.clients(), 2U);
}

TEST(Relay, TellsASenderThatAPeerIsAbsent) {
  Wires wires;
  auto& a = wires.connect();
  wires.settle();
  const auto nobody = crypto::PrivateKey::generate(wires.entropy).public_key();
  a.session->send(wires.now, nobody, Bytes(10));
  wires.settle();
  ASSERT_EQ(a.all<PeerAbsent>().size(), 1U);
  EXPECT_EQ(a.all<PeerAbsent>()[0].key, nobody);
  EXPECT_TRUE(a.session->ready());
}

TEST(Relay, KeepsTheNewestSessionOfANode) {
  Wires wires;
  auto& old = wires.connect();
  auto& other = wires.connect();
  wires.settle();
  auto& renewed = wires.connect(old.key);
  wires.settle();
  EXPECT_EQ(reason_of(old), RelayError::replaced);
  EXPECT_TRUE(old.ended);
  other.session->send(wires.now, old.key.public_key(), Bytes(10));
  wires.settle();
  EXPECT_EQ(renewed.all<Received>().size(), 1U);
  EXPECT_EQ(wires.hub.clients(), 2U);
}

TEST(Relay, IsSilentToClientsThatWereRemoved) {
  Wires wires;
  auto& a = wires.connect();
  auto& b = wires.connect();
  wires.settle();
  wires.hub.remove(b.id);
  a.session->send(wires.now, b.key.public_key(), Bytes(10));
  wires.settle();
  EXPECT_EQ(a.all<PeerAbsent>().size(), 1U);
  EXPECT_EQ(wires.hub.sessions(), 1U);
}

TEST(Relay, RefusesAnAdmissionThatHasExpired) {
  Wires wires;
  const auto key = crypto::PrivateKey::generate(wires.entropy);
  auto& client = wires.connect(key, wires.admission_for(key, -1s));
  wires.settle();
  EXPECT_EQ(reason_of(client), RelayError::admission_expired);
  EXPECT_EQ(wires.hub.clients(), 0U);
  EXPECT_EQ(wires.hub.counters().refused, 1U);
}

TEST(Relay, RefusesAnAdmissionOfAnotherNodeOrCoordinator) {
  Wires wires;
  const auto key = crypto::PrivateKey::generate(wires.entropy);
  auto& foreign = wires.connect(key, wires.admission_for(crypto::PrivateKey::generate(wires.entropy)));
  auto& forged = wires.connect(key, sign({key.public_key(), wires.wall() + 1h}, wires.identity));
  auto& without = wires.connect(key, Bytes());
  wires.settle();
  EXPECT_EQ(reason_of(foreign), RelayError::admission_foreign);
  EXPECT_EQ(reason_of(forged), RelayError::wrong_signature);
  EXPECT_EQ(reason_of(without), RelayError::malformed);
}

TEST(Relay, RefusesEverybodyUntilItHasACoordinator) {
  Wires wires(false);
  auto& early = wires.connect();
  wires.settle();
  EXPECT_EQ(reason_of(early), RelayError::not_ready);
  wires.hub.set_coordinator(wires.coordinator.verify_key());
  auto& later = wires.connect();
  wires.settle();
  EXPECT_TRUE(later.session->ready());
}

TEST(Relay, RefusesMoreSessionsThanItsBound) {
  Wires wires(true, 1);
  auto& first = wires.connect();
  wires.settle();
  auto& second = wires.connect();
  wires.settle();
  EXPECT_TRUE(first.session->ready());
  EXPECT_EQ(reason_of(second), RelayError::overloaded);
}

TEST(Relay, EndsASessionWhenItsAdmissionDoesUnlessItIsRenewed) {
  Wires wires;
  auto& renewing = wires.connect();
  auto& ending = wires.connect();
  wires.run_for(11h);
  renewing.session->renew(wires.admission_for(renewing.key));
  wires.run_for(2h);
  EXPECT_TRUE(renewing.session->ready());
  EXPECT_EQ(reason_of(ending), RelayError::admission_expired);
  EXPECT_EQ(wires.hub.clients(), 1U);
}

TEST(Relay, EndsTheSessionOfARevokedNodeAndTakesItsAdmissionsNoMore) {
  Wires wires;
  auto& removed = wires.connect();
  auto& other = wires.connect();
  wires.settle();
  wires.hub.revoke(removed.key.public_key(), wires.wall() + 12h, wires.wall());
  wires.settle();
  EXPECT_EQ(reason_of(removed), RelayError::admission_expired);
  EXPECT_TRUE(other.session->ready());
  auto& back = wires.connect(removed.key);
  wires.settle();
  EXPECT_EQ(reason_of(back), RelayError::admission_expired);
  auto& readmitted = wires.connect(removed.key, wires.admission_for(removed.key, 12h + 1s));
  wires.settle();
  EXPECT_TRUE(readmitted.session->ready());
}

TEST(Relay, IsRefusedByAClientThatExpectsAnother) {
  Wires wires;
  const auto key = crypto::PrivateKey::generate(wires.entropy);
  auto& right = wires.connect(key, {}, wires.identity.verify_key());
  auto& wrong = wires.connect(key, {}, wires.coordinator.verify_key());
  wires.settle();
  EXPECT_TRUE(right.session->ready());
  EXPECT_EQ(reason_of(wrong), RelayError::wrong_signature);
}

TEST(Relay, DropsAtASlowReceiverAndHoldsNobodyElseUp) {
  Wires wires;
  auto& sender = wires.connect();
  auto& slow = wires.connect();
  auto& fast = wires.connect();
  wires.settle();
  slow.stopped = true;
  const int count = 400;
  for (int i = 0; i < count; ++i) {
    ASSERT_TRUE(sender.session->send(wires.now, slow.key.public_key(), Bytes(1400, 1)));
    ASSERT_TRUE(sender.session->send(wires.now, fast.key.public_key(), Bytes(1400, 2)));
    wires.settle();
  }
  EXPECT_EQ(fast.all<Received>().size(), static_cast<std::size_t>(count));
  EXPECT_TRUE(slow.all<Received>().empty());
  wires.release(slow);
  const std::size_t kept = kQueueLimit / (1400 + kDatagramOverhead);
  EXPECT_EQ(slow.all<Received>().size(), kept);
  EXPECT_EQ(wires.hub.counters().dropped, static_cast<std::size_t>(count) - kept);
}

TEST(ClientSession, RefusesDatagramsBeyondItsBoundedQueue) {
  Wires wires;
  auto& a = wires.connect();
  EXPECT_FALSE(a.session->send(wires.now, a.key.public_key(), Bytes(10)));  // not ready
  wires.settle();
  std::size_t taken = 0;
  while (a.session->send(wires.now, a.key.public_key(), Bytes(1400))) ++taken;
  EXPECT_EQ(taken, kQueueLimit / (1400 + kDatagramOverhead));
}

TEST(ClientSession, StaysConnectedWhileIdleForDays) {
  Wires wires;
  auto& client = wires.connect();
  wires.run_for(11h);
  EXPECT_TRUE(client.session->ready());
  const auto pongs = client.all<Pong>().size();
  EXPECT_NEAR(static_cast<double>(pongs), to_seconds(11h) / to_seconds(kIdlePing), 1.0);
}

TEST(ClientSession, KnowsOfADeadRelayWithin3SecondsUnderTraffic) {
  Wires wires;
  auto& client = wires.connect();
  wires.run_for(10s);
  client.cut = true;
  const Time died = wires.now;
  while (!client.session->failed()) {
    client.session->send(wires.now, client.key.public_key(), Bytes(100));
    wires.run_for(20ms);
    ASSERT_LE(wires.now - died, 3s);
  }
  EXPECT_EQ(reason_of(client), RelayError::timed_out);
}

/// By satellite a stream has lost a segment and repeated it before it is taken for dead.
TEST(ClientSession, AFarRelayMayBeSilentForFourRoundTrips) {
  Wires wires;
  auto& client = wires.connect();
  while (wires.hub.poll_work()) {
  }
  client.session->handle_data(wires.now, *wires.hub.poll_write(client.id));
  wires.hub.handle_data(wires.now, wires.wall(), client.id, *client.session->poll_write());
  wires.now += 1300ms;
  wires.settle();
  ASSERT_EQ(client.all<Ready>().size(), 1U);
  ASSERT_EQ(client.all<Ready>().front().rtt, 1300ms);
  client.cut = true;
  client.session->ping(wires.now);
  wires.run_for(4 * 1300ms - 1ms);
  EXPECT_TRUE(client.session->ready() && client.session->overdue());
  wires.run_for(1ms);
  EXPECT_EQ(reason_of(client), RelayError::timed_out);
}

TEST(ClientSession, KnowsOfADeadRelayWithin25SecondsWhenIdle) {
  Wires wires;
  auto& client = wires.connect();
  wires.run_for(100s);
  client.cut = true;
  wires.run_for(25s);
  EXPECT_EQ(reason_of(client), RelayError::timed_out);
}

TEST(ClientSession, GivesUpOnARelayThatDoesNotWelcomeIt) {
  Wires wires;
  auto& client = wires.connect();
  client.cut = true;
  wires.run_for(kHandshakeTimeout);
  EXPECT_EQ(reason_of(client), RelayError::timed_out);
}

TEST(Hub, ClosesStreamsThatSayNothing) {
  Wires wires;
  auto& silent = wires.connect();
  silent.cut = true;
  wires.run_for(kServerHandshakeTimeout);
  EXPECT_TRUE(silent.ended);
  auto& vanished = wires.connect();
  wires.run_for(1s);
  ASSERT_TRUE(vanished.session->ready());
  vanished.cut = true;
  wires.run_for(kClientSilence);
  EXPECT_TRUE(vanished.ended);
  EXPECT_EQ(wires.hub.sessions(), 0U);
}

TEST(ClientSession, MeasuresTheRoundTripOnRequest) {
  Wires wires;
  auto& client = wires.connect();
  wires.settle();
  client.session->ping(wires.now);
  client.session->ping(wires.now);
  wires.settle();
  EXPECT_EQ(client.all<Pong>().size(), 1U);
}

}  // namespace
}  // namespace weft::relay
