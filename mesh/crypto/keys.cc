// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/crypto/keys.h"

#include <sodium/crypto_scalarmult_curve25519.h>
#include <sodium/crypto_sign_ed25519.h>
#include <sodium/utils.h>

#include "mesh/base/assert.h"

namespace weft::crypto {
namespace {

void clamp(MutableByteView scalar) {
  scalar[0] &= 248;
  scalar[31] = static_cast<std::uint8_t>((scalar[31] & 127) | 64);
}

/// libsodium's 64-byte secret key (seed and public key), wiped when it goes.
struct ExpandedSigningKey {
  explicit ExpandedSigningKey(const SigningKey& key) {
    crypto_sign_ed25519_seed_keypair(public_bytes.data(), secret_bytes.data(), key.bytes().data());
  }
  ~ExpandedSigningKey() { wipe(secret_bytes); }
  std::array<std::uint8_t, 32> public_bytes;
  std::array<std::uint8_t, 64> secret_bytes;
};

}  // namespace

void wipe(MutableByteView bytes) { sodium_memzero(bytes.data(), bytes.size()); }

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

PrivateKey::PrivateKey(const std::array<std::uint8_t, kSize>& bytes) : SecretKey(bytes) { clamp(mutable_bytes()); }

PrivateKey PrivateKey::generate(Entropy& entropy) {
  PrivateKey key;
  entropy.fill(key.mutable_bytes());
  clamp(key.mutable_bytes());
  return key;
}

std::optional<PrivateKey> PrivateKey::from_bytes(ByteView bytes) {
  if (bytes.size() != kSize) return std::nullopt;
  PrivateKey key;
  for (std::size_t i = 0; i < kSize; ++i) key.mutable_bytes()[i] = bytes[i];
  clamp(key.mutable_bytes());
  return key;
}

std::optional<PrivateKey> PrivateKey::from_base64(std::string_view text) {
  auto bytes = weft::from_base64(text);
  if (!bytes) return std::nullopt;
  auto key = from_bytes(*bytes);
  wipe(*bytes);
  return key;
}

PublicKey PrivateKey::public_key() const {
  std::array<std::uint8_t, 32> out;
  crypto_scalarmult_curve25519_base(out.data(), bytes().data());
  return PublicKey(out);
}

std::optional<SharedSecret> x25519(const PrivateKey& ours, const PublicKey& theirs) {
  SharedSecret secret;
  if (crypto_scalarmult_curve25519(secret.mutable_bytes().data(), ours.bytes().data(), theirs.bytes().data()) != 0) {
    return std::nullopt;
  }
  return secret;
}

SigningKey SigningKey::generate(Entropy& entropy) {
  SigningKey key;
  entropy.fill(key.mutable_bytes());
  return key;
}

std::optional<SigningKey> SigningKey::from_bytes(ByteView bytes) {
  if (bytes.size() != kSize) return std::nullopt;
  SigningKey key;
  for (std::size_t i = 0; i < kSize; ++i) key.mutable_bytes()[i] = bytes[i];
  return key;
}

VerifyKey SigningKey::verify_key() const { return VerifyKey(ExpandedSigningKey(*this).public_bytes); }

SigningKey::Signature SigningKey::sign(ByteView message) const {
  const ExpandedSigningKey expanded(*this);
  Signature signature;
  crypto_sign_ed25519_detached(signature.data(), nullptr, message.data(), message.size(), expanded.secret_bytes.data());
  return signature;
}

bool verify(const VerifyKey& key, ByteView message, ByteView signature) {
  return signature.size() == crypto_sign_ed25519_BYTES &&
         crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(), key.bytes().data()) == 0;
}

}  // namespace weft::crypto
