// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/noise.h"

#include <gtest/gtest.h>

#include "mesh/crypto/aead.h"
#include "mesh/wireguard/cookie.h"
#include "tests/support/seeded_entropy.h"
#include "tests/unit/wireguard/noise_vectors.h"

namespace weft::wireguard {
namespace {

Bytes hex(std::string_view text) { return *from_hex(text); }
crypto::PrivateKey private_key(std::string_view text) { return *crypto::PrivateKey::from_bytes(hex(text)); }

/// Gives the bytes of one key, once.
class FixedEntropy final : public Entropy {
 public:
  explicit FixedEntropy(std::string_view text) : bytes_(hex(text)) {}
  void fill(std::span<std::uint8_t> out) override {
    EXPECT_EQ(out.size(), bytes_.size());
    std::ranges::copy(bytes_, out.begin());
    bytes_.clear();
  }
  KeyProvenance provenance() const override { return KeyProvenance::simulated; }

 private:
  Bytes bytes_;
};

struct Party {
  Identity identity;
  PeerSecrets peer;
};

Party party(const crypto::PrivateKey& own, const crypto::PrivateKey& other, const crypto::PresharedKey& psk) {
  return {{own, own.public_key()}, {other.public_key(), *crypto::x25519(own, other.public_key()), psk}};
}

Tai64n timestamp_of(std::string_view text) {
  Tai64n timestamp;
  std::ranges::copy(hex(text), timestamp.bytes.begin());
  return timestamp;
}

class NoiseVector : public testing::Test {
 protected:
  const crypto::PresharedKey psk_ = *crypto::PresharedKey::from_bytes(hex(vector::kPresharedKey));
  const Party initiator_ = party(private_key(vector::kInitiatorPrivate), private_key(vector::kResponderPrivate), psk_);
  const Party responder_ = party(private_key(vector::kResponderPrivate), private_key(vector::kInitiatorPrivate), psk_);

  CreatedInitiation initiation() const {
    FixedEntropy entropy(vector::kInitiatorEphemeral);
    return *create_initiation(initiator_.identity, initiator_.peer, 0x11223344, timestamp_of(vector::kTimestamp),
                              entropy);
  }
};

// The two constants that every implementation can precompute; Linux and wireguard-go hold the same bytes.
TEST_F(NoiseVector, StartsFromTheKnownChainingKeyAndHash) {
  const Transcript transcript{responder_.identity.public_key};
  EXPECT_EQ(to_hex(transcript.chaining_key()), vector::kInitialChainingKey);
  EXPECT_EQ(to_hex(transcript.chaining_key()), "60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36");
  const auto hash = crypto::blake2s({hex("2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3"),
                                     responder_.identity.public_key.bytes()});
  EXPECT_EQ(to_hex(transcript.hash()), to_hex(hash));
}

TEST_F(NoiseVector, CreatesTheInitiation) {
  Bytes message = serialize(initiation().message);
  CookieGenerator(responder_.identity.public_key).add_macs(Time{}, message);
  EXPECT_EQ(to_hex(message), vector::kInitiation);
}

TEST_F(NoiseVector, ConsumesTheInitiationAndCreatesTheResponse) {
  const auto message = *parse_initiation(hex(vector::kInitiation));
  auto received = consume_initiation(responder_.identity, message);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->remote_static, initiator_.identity.public_key);
  EXPECT_EQ(authenticate_initiation(*received, responder_.peer, message), timestamp_of(vector::kTimestamp));
  FixedEntropy entropy(vector::kResponderEphemeral);
  const auto created = create_response(*received, responder_.peer, 0xA1B2C3D4, entropy);
  ASSERT_TRUE(created);
  Bytes response = serialize(created->message);
  CookieGenerator(initiator_.identity.public_key).add_macs(Time{}, response);
  EXPECT_EQ(to_hex(response), vector::kResponse);
  EXPECT_EQ(to_hex(created->keys.receive.bytes()), vector::kKeyToResponder);
  EXPECT_EQ(to_hex(created->keys.send.bytes()), vector::kKeyToInitiator);
}

TEST_F(NoiseVector, ConsumesTheResponse) {
  const auto keys = consume_response(initiator_.identity, initiation().state, initiator_.peer,
                                     *parse_response(hex(vector::kResponse)));
  ASSERT_TRUE(keys);
  EXPECT_EQ(to_hex(keys->send.bytes()), vector::kKeyToResponder);
  EXPECT_EQ(to_hex(keys->receive.bytes()), vector::kKeyToInitiator);
}

TEST_F(NoiseVector, SealsTheTransportMessages) {
  const auto key = *crypto::SymmetricKey::from_bytes(hex(vector::kKeyToResponder));
  Bytes message(kTransportHeaderSize + 16 + kTagSize);
  write_transport_header(message.data(), {0xA1B2C3D4, 7});
  std::ranges::copy(as_bytes("warp and weft..."), message.begin() + kTransportHeaderSize);
  crypto::AeadItem item{.counter = 7, .data = message.data() + kTransportHeaderSize, .length = 16};
  crypto::Aead(key).seal({&item, 1});
  EXPECT_EQ(to_hex(message), vector::kDataCounter7);

  const Bytes keepalive = hex(vector::kKeepaliveCounter0);
  EXPECT_EQ(parse_transport(keepalive)->receiver_index, 0x11223344u);
  const auto back = *crypto::SymmetricKey::from_bytes(hex(vector::kKeyToInitiator));
  EXPECT_TRUE(crypto::aead_open(back, 0, ByteView(keepalive).subspan(kTransportHeaderSize), {}));
}

// Each byte of both messages that Noise covers is needed; the macs behind them are cookie_test's.
TEST_F(NoiseVector, RefusesEveryChangedBit) {
  for (std::size_t at = 8; at < kInitiationSize - 2 * kMacSize; ++at) {
    Bytes changed = hex(vector::kInitiation);
    changed[at] ^= 1;
    const auto message = *parse_initiation(changed);
    auto received = consume_initiation(responder_.identity, message);
    if (received) {
      EXPECT_FALSE(authenticate_initiation(*received, responder_.peer, message)) << at;
    }
  }
  const auto state = initiation().state;
  for (std::size_t at = 12; at < kResponseSize - 2 * kMacSize; ++at) {
    Bytes changed = hex(vector::kResponse);
    changed[at] ^= 1;
    EXPECT_FALSE(consume_response(initiator_.identity, state, initiator_.peer, *parse_response(changed))) << at;
  }
}

TEST_F(NoiseVector, RefusesAnotherPresharedKey) {
  Party wrong = initiator_;
  wrong.peer.preshared_key = {};
  const auto keys =
      consume_response(wrong.identity, initiation().state, wrong.peer, *parse_response(hex(vector::kResponse)));
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error(), NoiseError::bad_tag);
}

TEST_F(NoiseVector, RefusesKeysOfLowOrder) {
  HandshakeInitiation message = *parse_initiation(hex(vector::kInitiation));
  message.ephemeral = {};
  EXPECT_EQ(consume_initiation(responder_.identity, message).error(), NoiseError::low_order_key);
  test::SeededEntropy entropy(1);
  PeerSecrets zero;
  EXPECT_EQ(create_initiation(initiator_.identity, zero, 1, {}, entropy).error(), NoiseError::low_order_key);
}

}  // namespace
}  // namespace weft::wireguard
