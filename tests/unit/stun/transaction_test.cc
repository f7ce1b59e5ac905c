// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/transaction.h"

#include <gtest/gtest.h>

#include <vector>

#include "mesh/stun/client.h"

namespace weft::stun {
namespace {

const Endpoint kServer = *Endpoint::parse("198.51.100.1:3478");
const Endpoint kMapped = *Endpoint::parse("203.0.113.7:41641");
const Time kStart{10s};

Message request() {
  SeededRandom random(1, "transaction");
  return Message{.transaction_id = make_transaction_id(random)};
}

Message answer_to(ByteView datagram) {
  Message response{.message_class = Class::success, .transaction_id = parse(datagram)->transaction_id};
  add_xor_mapped_address(response, kMapped);
  return response;
}

TEST(Transaction, SendsAtTheTimesOfRfc8489AndGivesUpAfterThem) {
  Transaction transaction(kServer, request());
  transaction.start(kStart);
  std::vector<double> sent;
  Time now = kStart;
  while (true) {
    while (const auto datagram = transaction.poll_transmit()) {
      EXPECT_EQ(datagram->destination, kServer);
      sent.push_back(to_ms(now - kStart));
    }
    if (!transaction.next_deadline()) break;
    now = *transaction.next_deadline();
    transaction.handle_timeout(now);
  }
  EXPECT_EQ(sent, (std::vector<double>{0, 500, 1500, 3500, 7500, 15500, 31500}));  // §6.2.1's example
  EXPECT_EQ(now - kStart, 39500ms);
  EXPECT_EQ(Timing{}.total(), 39500ms);
  EXPECT_TRUE(std::holds_alternative<TimedOut>(*transaction.poll_event()));
}

TEST(Transaction, DoesNothingOnEarlyOrRepeatedTimeouts) {
  Transaction transaction(kServer, request());
  transaction.start(kStart);
  EXPECT_TRUE(transaction.poll_transmit());
  transaction.handle_timeout(kStart + 499ms);
  EXPECT_FALSE(transaction.poll_transmit());
  transaction.handle_timeout(kStart + 500ms);
  transaction.handle_timeout(kStart + 500ms);
  EXPECT_TRUE(transaction.poll_transmit());
  EXPECT_FALSE(transaction.poll_transmit());
}

TEST(Transaction, EndsWithTheAnswerAndMeasuresTheRoundTripOfASingleSend) {
  Transaction transaction(kServer, request());
  transaction.start(kStart);
  const auto sent = transaction.poll_transmit();
  EXPECT_TRUE(transaction.handle_message(kStart + 42ms, kServer, answer_to(sent->bytes)));
  const auto event = transaction.poll_event();
  EXPECT_EQ(std::get<Answered>(*event).rtt, Duration(42ms));
  EXPECT_FALSE(transaction.next_deadline());
  EXPECT_FALSE(transaction.handle_message(kStart + 43ms, kServer, answer_to(sent->bytes)));  // the copy's answer
}

TEST(Transaction, MeasuresNothingOnceItHasSentTwice) {
  Transaction transaction(kServer, request());
  transaction.start(kStart);
  const auto sent = transaction.poll_transmit();
  transaction.handle_timeout(kStart + 500ms);
  transaction.handle_message(kStart + 510ms, kServer, answer_to(sent->bytes));
  EXPECT_FALSE(std::get<Answered>(*transaction.poll_event()).rtt);
}

TEST(Transaction, IgnoresAnswerWithUnknownTransactionId) {
  Transaction transaction(kServer, request());
  transaction.start(kStart);
  Message answer = answer_to(transaction.poll_transmit()->bytes);
  answer.transaction_id[3] ^= 1;
  EXPECT_FALSE(transaction.handle_message(kStart, kServer, answer));
}

TEST(Transaction, IgnoresAnswerFromElsewhereUnlessTheServerWasToMove) {
  for (const AnswerFrom from : {AnswerFrom::server, AnswerFrom::anywhere}) {
    Transaction transaction(kServer, request(), {}, from);
    transaction.start(kStart);
    const Message answer = answer_to(transaction.poll_transmit()->bytes);
    const Endpoint elsewhere = *Endpoint::parse("198.51.100.2:3479");
    EXPECT_EQ(transaction.handle_message(kStart, elsewhere, answer), from == AnswerFrom::anywhere);
  }
}

TEST(Transaction, IgnoresRequestsAndIndicationsWithItsId) {
  Transaction transaction(kServer, request());
  transaction.start(kStart);
  Message answer = answer_to(transaction.poll_transmit()->bytes);
  for (const Class c : {Class::request, Class::indication}) {
    answer.message_class = c;
    EXPECT_FALSE(transaction.handle_message(kStart, kServer, answer));
  }
}

TEST(Transaction, ReportsARejection) {
  Transaction transaction(kServer, request());
  transaction.start(kStart);
  Message answer{.message_class = Class::error,
                 .transaction_id = parse(transaction.poll_transmit()->bytes)->transaction_id};
  EXPECT_FALSE(transaction.handle_message(kStart, kServer, answer));  // an error without ERROR-CODE says nothing
  add_error_code(answer, {420, "Unknown Attribute"});
  EXPECT_TRUE(transaction.handle_message(kStart, kServer, answer));
  EXPECT_EQ(std::get<Rejected>(*transaction.poll_event()).error.code, 420);
}

TEST(Client, AsksSeveralServersAtOnceAndEachOnlyOnce) {
  SeededRandom random(1, "client");
  Client client(random);
  const Endpoint second = *Endpoint::parse("198.51.100.2:3478");
  client.request(kStart, kServer);
  client.request(kStart, second);
  client.request(kStart, second);
  std::map<Endpoint, Bytes> sent;
  int count = 0;
  while (const auto datagram = client.poll_transmit()) {
    sent[datagram->destination] = datagram->bytes;
    ++count;
  }
  EXPECT_EQ(count, 2);
  EXPECT_FALSE(client.handle_datagram(kStart, second, encode(answer_to(sent[kServer]))));  // another server's answer
  EXPECT_TRUE(client.handle_datagram(kStart + 5ms, second, encode(answer_to(sent[second]))));
  const auto event = client.poll_event();
  EXPECT_EQ(std::get<Reflexive>(*event).mapped, kMapped);
  EXPECT_EQ(std::get<Reflexive>(*event).server, second);
  EXPECT_FALSE(client.poll_event());
}

TEST(Client, ReportsServersThatDoNotAnswer) {
  SeededRandom random(1, "client");
  Client client(random);
  client.request(kStart, kServer);
  while (client.next_deadline()) {
    client.handle_timeout(*client.next_deadline());
    while (client.poll_transmit()) {
    }
  }
  EXPECT_EQ(std::get<NoAnswer>(*client.poll_event()).server, kServer);
}

TEST(Client, PassesOverDatagramsOfOthers) {
  SeededRandom random(1, "client");
  Client client(random);
  client.request(kStart, kServer);
  EXPECT_FALSE(client.handle_datagram(kStart, kServer, as_bytes("no STUN at all, but long enough")));
  EXPECT_FALSE(client.handle_datagram(kStart, *Endpoint::parse("192.0.2.9:1"), {}));
}

}  // namespace
}  // namespace weft::stun
