// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/noise.h"

#include <algorithm>

#include "mesh/base/assert.h"
#include "mesh/crypto/aead.h"

namespace weft::wireguard {
namespace {

constexpr std::string_view kConstruction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
constexpr std::string_view kIdentifier = "WireGuard v1 zx2c4 Jason@zx2c4.com";

/// KDF_n outputs, wiped.
template <std::size_t N>
struct Derived {
  std::array<crypto::Blake2sDigest, N> keys;
  Derived(ByteView chaining_key, ByteView input) { crypto::kdf_blake2s(chaining_key, input, keys); }
  ~Derived() {
    for (auto& key : keys) crypto::wipe(key);
  }
};

/// Keys of the direction initiator to responder, then back (§5.4.5).
std::pair<crypto::SymmetricKey, crypto::SymmetricKey> split(const Transcript& transcript) {
  const Derived<2> derived(transcript.chaining_key(), {});
  return {crypto::SymmetricKey(derived.keys[0]), crypto::SymmetricKey(derived.keys[1])};
}

}  // namespace

std::string_view to_string(NoiseError error) {
  switch (error) {
    case NoiseError::low_order_key:
      return "a public key has low order";
    case NoiseError::bad_tag:
      return "a handshake message is not authentic";
  }
  return "unknown";
}

Transcript::Transcript(const crypto::PublicKey& responder)
    : chaining_key_(crypto::blake2s({as_bytes(kConstruction)})),
      hash_(crypto::blake2s({chaining_key_.bytes(), as_bytes(kIdentifier)})) {
  mix_hash(responder.bytes());
}

void Transcript::mix_hash(ByteView bytes) { hash_ = crypto::blake2s({hash_, bytes}); }

void Transcript::mix_key(ByteView input) {
  const Derived<1> derived(chaining_key_.bytes(), input);
  chaining_key_ = crypto::SymmetricKey(derived.keys[0]);
}

crypto::SymmetricKey Transcript::mix_key_and_derive(ByteView input) {
  const Derived<2> derived(chaining_key_.bytes(), input);
  chaining_key_ = crypto::SymmetricKey(derived.keys[0]);
  return crypto::SymmetricKey(derived.keys[1]);
}

crypto::SymmetricKey Transcript::mix_preshared_key(const crypto::PresharedKey& key) {
  const Derived<3> derived(chaining_key_.bytes(), key.bytes());
  chaining_key_ = crypto::SymmetricKey(derived.keys[0]);
  mix_hash(derived.keys[1]);
  return crypto::SymmetricKey(derived.keys[2]);
}

void Transcript::encrypt(const crypto::SymmetricKey& key, ByteView plaintext, MutableByteView ciphertext) {
  const Bytes sealed = crypto::aead_seal(key, 0, plaintext, hash_);
  WEFT_ASSERT(sealed.size() == ciphertext.size());
  std::ranges::copy(sealed, ciphertext.begin());
  mix_hash(ciphertext);
}

bool Transcript::decrypt(const crypto::SymmetricKey& key, ByteView ciphertext, MutableByteView plaintext) {
  const auto opened = crypto::aead_open(key, 0, ciphertext, hash_);
  if (!opened) return false;
  WEFT_ASSERT(opened->size() == plaintext.size());
  std::ranges::copy(*opened, plaintext.begin());
  mix_hash(ciphertext);
  return true;
}

std::expected<CreatedInitiation, NoiseError> create_initiation(const Identity& identity, const PeerSecrets& peer,
                                                               std::uint32_t sender_index, const Tai64n& timestamp,
                                                               Entropy& entropy) {
  CreatedInitiation created{{}, {Transcript(peer.public_key), crypto::PrivateKey::generate(entropy), sender_index}};
  HandshakeInitiation& message = created.message;
  Transcript& transcript = created.state.transcript;
  message.sender_index = sender_index;
  message.ephemeral = created.state.ephemeral.public_key();
  transcript.mix_key(message.ephemeral.bytes());
  transcript.mix_hash(message.ephemeral.bytes());

  const auto ephemeral_static = crypto::x25519(created.state.ephemeral, peer.public_key);
  if (!ephemeral_static || peer.static_static.is_zero()) return std::unexpected(NoiseError::low_order_key);
  auto key = transcript.mix_key_and_derive(ephemeral_static->bytes());
  transcript.encrypt(key, identity.public_key.bytes(), message.encrypted_static);
  key = transcript.mix_key_and_derive(peer.static_static.bytes());
  transcript.encrypt(key, timestamp.bytes, message.encrypted_timestamp);
  return created;
}

std::expected<ReceivedInitiation, NoiseError> consume_initiation(const Identity& identity,
                                                                 const HandshakeInitiation& message) {
  ReceivedInitiation received{Transcript(identity.public_key), {}, message.ephemeral, message.sender_index};
  received.transcript.mix_key(message.ephemeral.bytes());
  received.transcript.mix_hash(message.ephemeral.bytes());

  const auto static_ephemeral = crypto::x25519(identity.private_key, message.ephemeral);
  if (!static_ephemeral) return std::unexpected(NoiseError::low_order_key);
  const auto key = received.transcript.mix_key_and_derive(static_ephemeral->bytes());
  std::array<std::uint8_t, 32> remote_static;
  if (!received.transcript.decrypt(key, message.encrypted_static, remote_static)) {
    return std::unexpected(NoiseError::bad_tag);
  }
  received.remote_static = crypto::PublicKey(remote_static);
  return received;
}

std::expected<Tai64n, NoiseError> authenticate_initiation(ReceivedInitiation& received, const PeerSecrets& peer,
                                                          const HandshakeInitiation& message) {
  if (peer.static_static.is_zero()) return std::unexpected(NoiseError::low_order_key);
  const auto key = received.transcript.mix_key_and_derive(peer.static_static.bytes());
  Tai64n timestamp;
  if (!received.transcript.decrypt(key, message.encrypted_timestamp, timestamp.bytes)) {
    return std::unexpected(NoiseError::bad_tag);
  }
  return timestamp;
}

std::expected<CreatedResponse, NoiseError> create_response(ReceivedInitiation received, const PeerSecrets& peer,
                                                           std::uint32_t sender_index, Entropy& entropy) {
  const auto ephemeral = crypto::PrivateKey::generate(entropy);
  Transcript& transcript = received.transcript;
  HandshakeResponse message;
  message.sender_index = sender_index;
  message.receiver_index = received.remote_index;
  message.ephemeral = ephemeral.public_key();
  transcript.mix_key(message.ephemeral.bytes());
  transcript.mix_hash(message.ephemeral.bytes());

  const auto ephemeral_ephemeral = crypto::x25519(ephemeral, received.remote_ephemeral);
  const auto ephemeral_static = crypto::x25519(ephemeral, peer.public_key);
  if (!ephemeral_ephemeral || !ephemeral_static) return std::unexpected(NoiseError::low_order_key);
  transcript.mix_key(ephemeral_ephemeral->bytes());
  transcript.mix_key(ephemeral_static->bytes());
  const auto key = transcript.mix_preshared_key(peer.preshared_key);
  transcript.encrypt(key, {}, message.encrypted_nothing);
  auto [to_responder, to_initiator] = split(transcript);
  return CreatedResponse{message, {.send = to_initiator, .receive = to_responder}};
}

std::expected<TransportKeys, NoiseError> consume_response(const Identity& identity, const InitiatorState& state,
                                                          const PeerSecrets& peer, const HandshakeResponse& message) {
  Transcript transcript = state.transcript;
  transcript.mix_key(message.ephemeral.bytes());
  transcript.mix_hash(message.ephemeral.bytes());

  const auto ephemeral_ephemeral = crypto::x25519(state.ephemeral, message.ephemeral);
  const auto static_ephemeral = crypto::x25519(identity.private_key, message.ephemeral);
  if (!ephemeral_ephemeral || !static_ephemeral) return std::unexpected(NoiseError::low_order_key);
  transcript.mix_key(ephemeral_ephemeral->bytes());
  transcript.mix_key(static_ephemeral->bytes());
  const auto key = transcript.mix_preshared_key(peer.preshared_key);
  if (!transcript.decrypt(key, message.encrypted_nothing, {})) return std::unexpected(NoiseError::bad_tag);
  auto [to_responder, to_initiator] = split(transcript);
  return TransportKeys{.send = to_responder, .receive = to_initiator};
}

}  // namespace weft::wireguard
