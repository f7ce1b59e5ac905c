// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/server.h"

#include <gtest/gtest.h>

#include "mesh/stun/integrity.h"

namespace weft::stun {
namespace {

const Endpoint kClient = *Endpoint::parse("203.0.113.7:41641");
const Endpoint kA1 = *Endpoint::parse("198.51.100.1:3478");
const Endpoint kA2 = *Endpoint::parse("198.51.100.1:3479");
const Endpoint kB1 = *Endpoint::parse("198.51.100.2:3478");
const Endpoint kB2 = *Endpoint::parse("198.51.100.2:3479");
const Time kNow{1s};

Message binding() {
  SeededRandom random(1, "server");
  return Message{.transaction_id = make_transaction_id(random)};
}

TEST(Server, TellsTheReflexiveAddressOfBothFamilies) {
  Server server({.endpoints = {kA1}, .software = {}});
  for (const char* text : {"203.0.113.7:41641", "[2001:db8::7]:41641"}) {
    const Endpoint client = *Endpoint::parse(text);
    const auto answer = server.handle_datagram(kNow, client, kA1, encode(binding()));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->destination, client);
    EXPECT_EQ(answer->source, kA1);
    const auto message = parse(answer->bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->transaction_id, binding().transaction_id);
    EXPECT_EQ(reflexive_address(*message), client);
    EXPECT_EQ(address(*message, AttributeType::response_origin), kA1);
    EXPECT_FALSE(message->has(AttributeType::other_address));
  }
  EXPECT_EQ(server.counters().answered, 2U);
}

TEST(Server, AnswersFromTheEndpointThatChangeRequestAsksFor) {
  Server server({.endpoints = {kA1, kA2, kB1, kB2}, .software = {}});
  const auto source_for = [&](bool change_address, bool change_port) {
    Message request = binding();
    add_change_request(request, {.address = change_address, .port = change_port});
    const auto answer = server.handle_datagram(kNow, kClient, kA1, encode(request));
    EXPECT_EQ(address(*parse(answer->bytes), AttributeType::response_origin), answer->source);
    EXPECT_EQ(address(*parse(answer->bytes), AttributeType::other_address), kB2);
    return answer->source;
  };
  EXPECT_EQ(source_for(false, false), kA1);
  EXPECT_EQ(source_for(false, true), kA2);
  EXPECT_EQ(source_for(true, false), kB1);
  EXPECT_EQ(source_for(true, true), kB2);
}

TEST(Server, RefusesAChangeItHasNoEndpointFor) {
  Server server({.endpoints = {kA1, kA2}, .software = {}});
  Message request = binding();
  add_change_request(request, {.address = true, .port = true});
  const auto answer = server.handle_datagram(kNow, kClient, kA1, encode(request));
  const auto message = parse(answer->bytes);
  EXPECT_EQ(message->message_class, Class::error);
  EXPECT_EQ(error_code(*message)->code, 420);
  EXPECT_EQ(unknown_attributes(*message), std::vector{AttributeType::change_request});
}

TEST(Server, TakesAnUnspecifiedAddressForTheOneThatWasAsked) {
  Server server({.endpoints = {*Endpoint::parse("0.0.0.0:3478"), *Endpoint::parse("0.0.0.0:3479")}, .software = {}});
  Message request = binding();
  add_change_request(request, {.address = false, .port = true});
  const auto answer = server.handle_datagram(kNow, kClient, kA1, encode(request));
  EXPECT_EQ(answer->source, kA2);
  EXPECT_EQ(address(*parse(answer->bytes), AttributeType::other_address), kA2);
}

TEST(Server, NamesUnknownAttributesThatMustBeUnderstood) {
  Server server({.endpoints = {kA1}, .software = {}});
  Message request = binding();
  request.attributes.push_back({static_cast<AttributeType>(0x7777), {}});
  request.attributes.push_back({static_cast<AttributeType>(0x9999), {}});  // may be ignored
  const auto message = parse(server.handle_datagram(kNow, kClient, kA1, encode(request))->bytes);
  EXPECT_EQ(error_code(*message)->code, 420);
  EXPECT_EQ(unknown_attributes(*message), std::vector{static_cast<AttributeType>(0x7777)});
  EXPECT_EQ(server.counters().refused, 1U);
}

TEST(Server, AnswersToTheResponsePort) {
  Server server({.endpoints = {kA1}, .software = {}});
  Message request = binding();
  add_response_port(request, 9);
  const auto answer = server.handle_datagram(kNow, kClient, kA1, encode(request));
  EXPECT_EQ(answer->destination, (Endpoint{kClient.address, 9}));
  add_padding(request, 64);  // RFC 5780 §7.6: not both
  EXPECT_EQ(error_code(*parse(server.handle_datagram(kNow, kClient, kA1, encode(request))->bytes))->code, 400);
}

TEST(Server, PadsAnAnswerNoFurtherThanItsRequest) {
  Server server({.endpoints = {kA1}, .software = {}});
  Message request = binding();
  add_padding(request, 1000);
  const auto answer = server.handle_datagram(kNow, kClient, kA1, encode(request));
  EXPECT_EQ(parse(answer->bytes)->find(AttributeType::padding)->value.size(), 1000U);
}

TEST(Server, FingerprintsAnswersToFingerprintedRequestsOnly) {
  Server server({.endpoints = {kA1}, .software = "weft"});
  Bytes request = encode(binding());
  EXPECT_FALSE(check_fingerprint(server.handle_datagram(kNow, kClient, kA1, request)->bytes));
  append_fingerprint(request);
  EXPECT_TRUE(check_fingerprint(server.handle_datagram(kNow, kClient, kA1, request)->bytes));
  request.back() ^= 1;
  EXPECT_FALSE(server.handle_datagram(kNow, kClient, kA1, request));
  EXPECT_EQ(server.counters().malformed, 1U);
}

TEST(Server, IsSilentAboutWhatIsNoBindingRequest) {
  Server server({.endpoints = {kA1}, .software = {}});
  for (const Class c : {Class::indication, Class::success, Class::error}) {
    Message message = binding();
    message.message_class = c;
    EXPECT_FALSE(server.handle_datagram(kNow, kClient, kA1, encode(message)));
  }
  Message allocate = binding();
  allocate.method = 3;
  EXPECT_FALSE(server.handle_datagram(kNow, kClient, kA1, encode(allocate)));
  EXPECT_FALSE(server.handle_datagram(kNow, kClient, kA1, as_bytes("GET / HTTP/1.1\r\n\r\n")));
  EXPECT_EQ(server.counters().ignored, 4U);
  EXPECT_EQ(server.counters().malformed, 1U);
}

}  // namespace
}  // namespace weft::stun
