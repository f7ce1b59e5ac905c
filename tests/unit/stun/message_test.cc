// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/message.h"

#include <gtest/gtest.h>

#include "mesh/crypto/stun_digest.h"
#include "mesh/stun/attributes.h"
#include "mesh/stun/integrity.h"

namespace weft::stun {
namespace {

Message sample() {
  SeededRandom random(1, "message");
  Message message{.transaction_id = make_transaction_id(random)};
  add_software(message, "weft");
  add_xor_mapped_address(message, *Endpoint::parse("203.0.113.7:41641"));
  return message;
}

TEST(Message, KeepsItsContentThroughEncodingForEveryClassAndMethod) {
  for (std::uint16_t method = 0; method < 0x1000; ++method) {
    for (int c = 0; c < 4; ++c) {
      Message message = sample();
      message.message_class = static_cast<Class>(c);
      message.method = method;
      ASSERT_EQ(parse(encode(message)), message);
    }
  }
}

TEST(Message, KeepsAttributesOfEveryLength) {
  for (std::size_t length = 0; length < 40; ++length) {
    Message message = sample();
    add_padding(message, length);
    add_software(message, "behind");
    ASSERT_EQ(parse(encode(message)), message) << length;
  }
}

TEST(Message, IsNotReadFromAnyTruncation) {
  const Bytes whole = encode(sample());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(parse(ByteView(whole).first(length))) << length;
  }
}

TEST(Message, RefusesALengthThatIsNotTheDatagrams) {
  Bytes datagram = encode(sample());
  datagram.push_back(0);
  EXPECT_EQ(parse(datagram), std::unexpected(StunError::bad_length));
  datagram.resize(datagram.size() + 3);
  EXPECT_EQ(parse(datagram), std::unexpected(StunError::bad_length));
}

TEST(Message, RefusesAnAttributeThatEndsBehindTheMessage) {
  Bytes datagram = encode(sample());
  datagram[kHeaderSize + 3] = 0xFF;
  EXPECT_EQ(parse(datagram), std::unexpected(StunError::bad_attribute));
}

TEST(Message, RefusesMoreAttributesThanTheBound) {
  Message message = sample();
  while (message.attributes.size() < kMaxAttributes) add_padding(message, 0);
  EXPECT_TRUE(parse(encode(message)));
  add_padding(message, 0);
  EXPECT_EQ(parse(encode(message)), std::unexpected(StunError::bad_attribute));
}

TEST(Message, IsToldFromOtherProtocolsByCookieAndFirstBits) {
  Bytes datagram = encode(sample());
  EXPECT_TRUE(looks_like_stun(datagram));
  for (const std::uint8_t first : {0x40, 0x80, 0xC0, 0xD7}) {
    Bytes other = datagram;
    other[0] = first;
    EXPECT_FALSE(looks_like_stun(other));
  }
  datagram[7] ^= 1;
  EXPECT_FALSE(looks_like_stun(datagram));
  EXPECT_FALSE(looks_like_stun({}));
}

TEST(Message, DropsAttributesThatFollowFingerprint) {
  Message message = sample();
  Bytes datagram = encode(message);
  append_fingerprint(datagram);
  const auto before = parse(datagram);
  const Bytes late = {0x80, 0x22, 0x00, 0x04, 'l', 'a', 't', 'e'};
  datagram.insert(datagram.end(), late.begin(), late.end());
  store_u16be(datagram.data() + 2, static_cast<std::uint16_t>(datagram.size() - kHeaderSize));
  EXPECT_EQ(parse(datagram), before);
}

TEST(Message, DropsAttributesBetweenMessageIntegrityAndFingerprint) {
  Bytes datagram = encode(sample());
  append_message_integrity(datagram, as_bytes("key"));
  const Bytes late = {0x00, 0x03, 0x00, 0x04, 0, 0, 0, 6};
  datagram.insert(datagram.end(), late.begin(), late.end());
  store_u16be(datagram.data() + 2, static_cast<std::uint16_t>(datagram.size() - kHeaderSize));
  append_message_integrity_sha256(datagram, as_bytes("key"));
  append_fingerprint(datagram);
  const auto message = parse(datagram);
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->has(AttributeType::change_request));
  EXPECT_TRUE(check_message_integrity(datagram, as_bytes("key")));
  EXPECT_TRUE(check_message_integrity_sha256(datagram, as_bytes("key")));
  EXPECT_TRUE(check_fingerprint(datagram));
}

TEST(Integrity, TellsAMissingAttributeFromAWrongOne) {
  const Bytes datagram = encode(sample());
  EXPECT_EQ(check_message_integrity(datagram, as_bytes("key")), std::unexpected(StunError::no_attribute));
  EXPECT_EQ(check_fingerprint(datagram), std::unexpected(StunError::no_attribute));
  EXPECT_EQ(check_fingerprint(as_bytes("short")), std::unexpected(StunError::not_stun));
}

TEST(Integrity, AcceptsSha256TruncatedToTheLengthsOfTheRfcOnly) {
  for (std::size_t size = 4; size <= 32; size += 4) {
    Bytes datagram = encode(sample());
    store_u16be(datagram.data() + 2, static_cast<std::uint16_t>(datagram.size() - kHeaderSize + 4 + size));
    const auto mac = crypto::hmac_sha256(as_bytes("key"), {datagram});
    const Bytes header = {0x00, 0x1C, 0x00, static_cast<std::uint8_t>(size)};
    datagram.insert(datagram.end(), header.begin(), header.end());
    datagram.insert(datagram.end(), mac.begin(), mac.begin() + static_cast<std::ptrdiff_t>(size));
    const auto checked = check_message_integrity_sha256(datagram, as_bytes("key"));
    if (size < 16) {
      EXPECT_EQ(checked, std::unexpected(StunError::bad_attribute)) << size;
    } else {
      EXPECT_TRUE(checked) << size;
    }
  }
}

TEST(Attributes, KeepAddressesOfBothFamilies) {
  for (const char* text : {"192.0.2.1:1", "[2001:db8::1]:65535", "0.0.0.0:0"}) {
    const Endpoint endpoint = *Endpoint::parse(text);
    Message message = sample();
    message.attributes.clear();
    add_address(message, AttributeType::other_address, endpoint);
    add_xor_mapped_address(message, endpoint);
    EXPECT_EQ(address(message, AttributeType::other_address), endpoint);
    EXPECT_EQ(xor_mapped_address(message), endpoint);
    EXPECT_EQ(address(message, AttributeType::mapped_address), std::unexpected(StunError::no_attribute));
  }
}

TEST(Attributes, TakeMappedAddressOnlyWhereTheXoredOneIsMissing) {
  Message message = sample();
  add_address(message, AttributeType::mapped_address, *Endpoint::parse("10.0.0.1:1"));
  EXPECT_EQ(reflexive_address(message), *Endpoint::parse("203.0.113.7:41641"));
  std::erase_if(message.attributes, [](const auto& a) { return a.type == AttributeType::xor_mapped_address; });
  EXPECT_EQ(reflexive_address(message), *Endpoint::parse("10.0.0.1:1"));
}

TEST(Attributes, RefuseAddressesOfWrongFamilyOrLength) {
  Message message;
  message.attributes.push_back({AttributeType::mapped_address, {0, 3, 0, 1, 1, 2, 3, 4}});
  EXPECT_EQ(reflexive_address(message), std::unexpected(StunError::bad_family));
  message.attributes[0].value = {0, 2, 0, 1, 1, 2, 3, 4};
  EXPECT_EQ(reflexive_address(message), std::unexpected(StunError::bad_attribute));
  message.attributes[0].value = {0, 1};
  EXPECT_EQ(reflexive_address(message), std::unexpected(StunError::bad_attribute));
}

TEST(Attributes, KeepErrorCodeUnknownAttributesChangeRequestAndResponsePort) {
  Message message;
  add_error_code(message, {438, "Stale Nonce"});
  add_unknown_attributes(message, {AttributeType::nonce, static_cast<AttributeType>(0x7FFF)});
  add_change_request(message, {.address = true, .port = false});
  add_response_port(message, 4711);
  const auto read = parse(encode(message));
  ASSERT_TRUE(read);
  EXPECT_EQ(error_code(*read), (ErrorCode{438, "Stale Nonce"}));
  EXPECT_EQ(unknown_attributes(*read)->at(1), static_cast<AttributeType>(0x7FFF));
  EXPECT_EQ(change_request(*read), (ChangeRequest{true, false}));
  EXPECT_EQ(response_port(*read), 4711);
}

TEST(Attributes, RefuseErrorCodesOutsideTheRange) {
  Message message;
  message.attributes.push_back({AttributeType::error_code, {0, 0, 2, 0}});
  EXPECT_EQ(error_code(message), std::unexpected(StunError::bad_attribute));
  message.attributes[0].value = {0, 0, 4, 100};
  EXPECT_EQ(error_code(message), std::unexpected(StunError::bad_attribute));
}

}  // namespace
}  // namespace weft::stun
