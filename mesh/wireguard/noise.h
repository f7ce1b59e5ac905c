// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "mesh/base/random.h"
#include "mesh/crypto/blake2s.h"
#include "mesh/crypto/keys.h"
#include "mesh/wireguard/messages.h"

namespace weft::wireguard {

/// Our static keys.
struct Identity {
  crypto::PrivateKey private_key;
  crypto::PublicKey public_key;
};

/// What a handshake with one peer needs besides our identity.
struct PeerSecrets {
  crypto::PublicKey public_key;
  crypto::SharedSecret static_static;  // x25519 of the two static keys
  crypto::PresharedKey preshared_key;
};

/// Chaining key and transcript hash of Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s, as the paper's §5.4 steps them.
class Transcript {
 public:
  /// C and H before the first message to the owner of `responder`.
  explicit Transcript(const crypto::PublicKey& responder);

  void mix_hash(ByteView bytes);
  /// C = KDF1(C, input)
  void mix_key(ByteView input);
  /// (C, key) = KDF2(C, input)
  crypto::SymmetricKey mix_key_and_derive(ByteView input);
  /// (C, tau, key) = KDF3(C, input), H = HASH(H || tau)
  crypto::SymmetricKey mix_preshared_key(const crypto::PresharedKey& key);
  /// AEAD under `key` with counter 0 and H as associated data; the ciphertext is hashed.
  void encrypt(const crypto::SymmetricKey& key, ByteView plaintext, MutableByteView ciphertext);
  /// False if the tag is wrong; then nothing is hashed.
  bool decrypt(const crypto::SymmetricKey& key, ByteView ciphertext, MutableByteView plaintext);

  ByteView chaining_key() const { return chaining_key_.bytes(); }
  ByteView hash() const { return hash_; }

 private:
  crypto::SymmetricKey chaining_key_;
  crypto::Blake2sDigest hash_;
};

enum class NoiseError : std::uint8_t {
  low_order_key,  // a Diffie-Hellman result was zero
  bad_tag,        // not for us, not from the peer, or changed on the way
};
std::string_view to_string(NoiseError error);

/// The initiator between its message and the answer; wiped when destroyed.
struct InitiatorState {
  Transcript transcript;
  crypto::PrivateKey ephemeral;
  std::uint32_t sender_index = 0;
};
struct CreatedInitiation {
  HandshakeInitiation message;  // without macs
  InitiatorState state;
};

/// An initiation whose sender is known but whose timestamp is not yet read.
struct ReceivedInitiation {
  Transcript transcript;
  crypto::PublicKey remote_static;
  crypto::PublicKey remote_ephemeral;
  std::uint32_t remote_index = 0;
};

/// The keys of the two directions, from the view of their holder.
struct TransportKeys {
  crypto::SymmetricKey send;
  crypto::SymmetricKey receive;
};
struct CreatedResponse {
  HandshakeResponse message;  // without macs
  TransportKeys keys;
};

/// First message, initiator's side.
std::expected<CreatedInitiation, NoiseError> create_initiation(const Identity& identity, const PeerSecrets& peer,
                                                               std::uint32_t sender_index, const Tai64n& timestamp,
                                                               Entropy& entropy);
/// First message, responder's side, in two steps: who sends it tells which secrets to use.
std::expected<ReceivedInitiation, NoiseError> consume_initiation(const Identity& identity,
                                                                 const HandshakeInitiation& message);
std::expected<Tai64n, NoiseError> authenticate_initiation(ReceivedInitiation& received, const PeerSecrets& peer,
                                                          const HandshakeInitiation& message);
/// Second message, responder's side; `received` has been authenticated.
std::expected<CreatedResponse, NoiseError> create_response(ReceivedInitiation received, const PeerSecrets& peer,
                                                           std::uint32_t sender_index, Entropy& entropy);
/// Second message, initiator's side. On an error `state` is still good for another response.
std::expected<TransportKeys, NoiseError> consume_response(const Identity& identity, const InitiatorState& state,
                                                          const PeerSecrets& peer, const HandshakeResponse& message);

}  // namespace weft::wireguard
