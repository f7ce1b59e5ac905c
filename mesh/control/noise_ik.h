// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/crypto/blake2s.h"
#include "mesh/crypto/keys.h"

namespace weft::control {

/// One run of Noise_IK_25519_ChaChaPoly_BLAKE2s (Noise specification revision 34, §7.5):
///
///   <- s
///   ...
///   -> e, es, s, ss
///   <- e, ee, se
///
/// The initiator calls write_first, then read_second; the responder read_first, then write_second; each once, then
/// split(). After a read that failed the object is of no further use.
class NoiseIk {
 public:
  struct Keys {
    crypto::SymmetricKey initiator_to_responder;
    crypto::SymmetricKey responder_to_initiator;
  };

  static NoiseIk initiator(ByteView prologue, const crypto::PrivateKey& ours, const crypto::PrivateKey& ephemeral,
                           const crypto::PublicKey& theirs);
  static NoiseIk responder(ByteView prologue, const crypto::PrivateKey& ours, const crypto::PrivateKey& ephemeral);

  /// nullopt if the responder's key is a point of low order.
  std::optional<Bytes> write_first(ByteView payload);
  /// The payload; nullopt if the message was not made for our key, was altered, or is too short.
  std::optional<Bytes> read_first(ByteView message);
  /// nullopt if one of the initiator's keys is a point of low order.
  std::optional<Bytes> write_second(ByteView payload);
  std::optional<Bytes> read_second(ByteView message);

  Keys split() const;
  /// Known to the responder after read_first.
  const crypto::PublicKey& remote_static() const { return remote_static_; }
  /// Binds what is agreed in the channel to this run (§11.2).
  ByteView handshake_hash() const { return hash_; }

 private:
  NoiseIk(ByteView prologue, const crypto::PrivateKey& ours, const crypto::PrivateKey& ephemeral,
          const crypto::PublicKey& responder);
  void mix_hash(ByteView bytes);
  void mix_key(ByteView input);
  bool mix_dh(const crypto::PrivateKey& ours, const crypto::PublicKey& theirs);
  Bytes encrypt_and_hash(ByteView plaintext);
  std::optional<Bytes> decrypt_and_hash(ByteView ciphertext);

  crypto::PrivateKey static_;
  crypto::PrivateKey ephemeral_;
  crypto::PublicKey remote_static_;
  crypto::PublicKey remote_ephemeral_;
  crypto::Blake2sDigest hash_;
  crypto::SharedSecret chaining_key_;
  crypto::SymmetricKey key_;
  std::uint64_t nonce_ = 0;
};

}  // namespace weft::control
