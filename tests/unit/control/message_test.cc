// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/message.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "mesh/control/cbor.h"
#include "tests/unit/control/examples.h"

namespace weft::control {
namespace {

using nlohmann::json;

ControlError error_of(const Bytes& bytes) {
  const auto parsed = parse_message(bytes);
  EXPECT_FALSE(parsed);
  return parsed ? ControlError::malformed : parsed.error();
}
Bytes cbor_of(const json& value) { return json::to_cbor(value); }

TEST(Message, EachKindReturnsAsItWas) {
  for (const Message& message : test_messages()) {
    const Bytes bytes = encode(message);
    const auto parsed = parse_message(bytes);
    ASSERT_TRUE(parsed) << message.index() << ": " << describe(parsed.error());
    EXPECT_EQ(parsed->index(), message.index());
    EXPECT_EQ(encode(*parsed), bytes);
  }
}

TEST(Message, FieldsSurviveTheWire) {
  const auto parsed = parse_message(encode(Message(test_register())));
  ASSERT_TRUE(parsed);
  const auto& read = std::get<Register>(*parsed);
  const auto& written = test_register();
  EXPECT_EQ(read.registration.node_key, written.registration.node_key);
  EXPECT_EQ(read.registration.secret, written.registration.secret);
  EXPECT_EQ(read.registration.role, Role::relay);
  EXPECT_EQ(read.registration.provenance, KeyProvenance::simulated);
  EXPECT_EQ(read.registration.relay, written.registration.relay);
  EXPECT_EQ(read.epoch, written.epoch);
  const auto map = parse_message(encode(Message(test_update())));
  ASSERT_TRUE(map);
  EXPECT_EQ(std::get<MapUpdate>(*map).peers, test_update().peers);
  EXPECT_EQ(std::get<MapUpdate>(*map).relays, test_update().relays);
}

TEST(Message, IsCborThatAnotherLibraryReads) {
  const json read = json::from_cbor(encode(Message(Ping{1'000'000})));
  EXPECT_EQ(read, json({{"version", 1}, {"ping", {{"id", 1'000'000}}}}));
}

TEST(Message, APeerEncodedBeforehandIsTheSameOnTheWire) {
  const MapUpdate update = test_update();
  EncodedMapUpdate encoded{.epoch = update.epoch,
                           .revision = update.revision,
                           .reset = update.reset,
                           .complete = update.complete,
                           .peers = {},
                           .removed_peers = update.removed_peers,
                           .relays = update.relays,
                           .removed_relays = update.removed_relays};
  std::vector<Bytes> peers;
  for (const PeerRecord& peer : update.peers) peers.push_back(encode_peer(peer));
  for (const Bytes& peer : peers) encoded.peers.push_back({&peer});
  EXPECT_EQ(encode(encoded), encode(Message(update)));
}

TEST(Message, UnknownKeysAndKindsAreSkipped) {
  const json ping = {{"version", 1},
                     {"ping", {{"id", 7}, {"colour", {{"deep", {1, 2, {{"x", nullptr}}}}}}, {"f", 1.5}}},
                     {"extra", -1}};
  const auto parsed = parse_message(cbor_of(ping));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(std::get<Ping>(*parsed).id, 7u);
  const auto newer = parse_message(cbor_of({{"version", 1}, {"dance", {{"steps", 3}}}}));
  ASSERT_TRUE(newer);
  EXPECT_TRUE(std::holds_alternative<UnknownMessage>(*newer));
}

TEST(Message, AnotherVersionIsRefused) {
  EXPECT_EQ(error_of(cbor_of({{"version", 2}, {"ping", {{"id", 7}}}})), ControlError::bad_version);
}

TEST(Message, DuplicateKeysAreRefusedAtEveryLevelKnownOrNot) {
  // {"version":1,"ping":{"id":1,"id":1}} and {"version":1,"x":{"y":1,"y":2}} and {"version":1,"z":0,"z":0}
  EXPECT_EQ(error_of(*from_hex("a2 6776657273696f6e 01 6470696e67 a2 626964 01 626964 01")),
            ControlError::duplicate_key);
  EXPECT_EQ(error_of(*from_hex("a2 6776657273696f6e 01 6178 a2 6179 01 6179 02")), ControlError::duplicate_key);
  EXPECT_EQ(error_of(*from_hex("a3 6776657273696f6e 01 617a 00 617a 00")), ControlError::duplicate_key);
}

TEST(Message, WrongTypesAndRangesAreRefused) {
  for (const json& id : {json("7"), json(-1), json(7.0), json(nullptr), json(true), json::array({7}), json::object()}) {
    EXPECT_EQ(error_of(cbor_of({{"version", 1}, {"ping", {{"id", id}}}})), ControlError::wrong_type) << id;
  }
  EXPECT_EQ(error_of(cbor_of({{"version", 1}, {"ping", 3}})), ControlError::wrong_type);
  EXPECT_EQ(error_of(cbor_of({{"version", 1}, {"publish", {{"home_relay", 65536}}}})), ControlError::wrong_type);
  EXPECT_EQ(error_of(cbor_of({{"version", 1}, {"admission", {{"admission", "text"}}}})), ControlError::wrong_type);
  EXPECT_EQ(error_of(cbor_of(json::array({1}))), ControlError::wrong_type);
  const json endpoint = {{"kind", 0}, {"endpoint", json::binary({1, 2, 3, 4, 5})}};
  EXPECT_EQ(error_of(cbor_of({{"version", 1}, {"publish", {{"candidates", {endpoint}}}}})), ControlError::wrong_type);
  EXPECT_EQ(error_of(cbor_of({{"version", 1}, {"refusal", {{"code", "refused"}, {"message", "a\nb"}}}})),
            ControlError::wrong_type);
}

TEST(Message, MissingFieldsAreRefused) {
  EXPECT_EQ(error_of(cbor_of({{"version", 1}, {"ping", json::object()}})), ControlError::missing_field);
  EXPECT_EQ(error_of(cbor_of({{"ping", {{"id", 1}}}})), ControlError::missing_field);
}

TEST(Message, TwoMessagesInOneAreRefused) {
  EXPECT_EQ(error_of(cbor_of({{"version", 1}, {"ping", {{"id", 1}}}, {"pong", {{"id", 1}, {"time_ns", 1}}}})),
            ControlError::malformed);
}

TEST(Message, ListsHaveLimits) {
  json candidates = json::array();
  for (std::size_t i = 0; i <= kMaxCandidates; ++i)
    candidates.push_back({{"kind", 0}, {"endpoint", json::binary({1, 2, 3, 4, 5, 6})}});
  EXPECT_EQ(error_of(cbor_of({{"version", 1}, {"publish", {{"candidates", candidates}}}})), ControlError::too_large);
  candidates.erase(candidates.begin());
  EXPECT_TRUE(parse_message(cbor_of({{"version", 1}, {"publish", {{"candidates", candidates}}}})));
}

TEST(Message, DeepNestingIsRefusedWithoutRecursion) {
  EXPECT_EQ(error_of(Bytes(70'000, 0x81)), ControlError::too_deep);      // arrays in arrays
  EXPECT_EQ(error_of(Bytes(70'000, 0xA1)), ControlError::too_deep);      // maps in maps
  EXPECT_EQ(error_of(Bytes(5'000'000, 0x7F)), ControlError::malformed);  // strings of indefinite length in each other
  EXPECT_EQ(error_of(Bytes(5'000'000, 0x5F)), ControlError::malformed);
  EXPECT_EQ(error_of(Bytes(5'000'000, 0x9F)), ControlError::malformed);
  EXPECT_EQ(error_of(Bytes(5'000'000, 0xC1)), ControlError::malformed);  // tags
}

TEST(Message, DepthOfSixteenIsAllowedInsideUnknownKeys) {
  const auto nested = [](int depth) {
    json value = 1;
    for (int i = 0; i < depth; ++i) value = json::array({value});
    return cbor_of({{"version", 1}, {"x", value}});
  };
  EXPECT_TRUE(parse_message(nested(15)));
  EXPECT_EQ(error_of(nested(16)), ControlError::too_deep);
}

TEST(Message, EveryTruncationAndTrailingByteIsRefused) {
  for (const Message& message : test_messages()) {
    Bytes bytes = encode(message);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_FALSE(parse_message(ByteView(bytes).first(length)));
    }
    bytes.push_back(0);
    EXPECT_FALSE(parse_message(bytes));
  }
}

TEST(Message, AnyFlippedBitIsParsedOrRefusedButNeverFatal) {
  for (const Message& message : test_messages()) {
    const Bytes good = encode(message);
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      Bytes bad = good;
      bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      const auto parsed = parse_message(bad);
      if (!parsed || std::holds_alternative<UnknownMessage>(*parsed)) continue;
      EXPECT_TRUE(parse_message(encode(*parsed)));
    }
  }
}

TEST(NetworkMap, ReturnsFromStorageAsItWas) {
  const NetworkMap map = test_map();
  EXPECT_EQ(parse_map(encode(map)), map);
  EXPECT_EQ(parse_map(encode(NetworkMap{})), NetworkMap{});
}

TEST(NetworkMap, StorageOfAnotherVersionOrCutShortIsRefused) {
  Bytes bytes = encode(test_map());
  for (std::size_t length = 0; length < bytes.size(); ++length) EXPECT_FALSE(parse_map(ByteView(bytes).first(length)));
  bytes[0] = 2;
  EXPECT_EQ(parse_map(bytes).error(), ControlError::bad_version);
}

}  // namespace
}  // namespace weft::control
