// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/noise_ik.h"

#include <string_view>

#include "mesh/crypto/aead.h"

namespace weft::control {
namespace {

constexpr std::string_view kProtocolName = "Noise_IK_25519_ChaChaPoly_BLAKE2s";
constexpr std::size_t kKeySize = 32;

}  // namespace

NoiseIk::NoiseIk(ByteView prologue, const crypto::PrivateKey& ours, const crypto::PrivateKey& ephemeral,
                 const crypto::PublicKey& responder)
    : static_(ours), ephemeral_(ephemeral), hash_(crypto::blake2s({as_bytes(kProtocolName)})), chaining_key_(hash_) {
  mix_hash(prologue);
  mix_hash(responder.bytes());
}

NoiseIk NoiseIk::initiator(ByteView prologue, const crypto::PrivateKey& ours, const crypto::PrivateKey& ephemeral,
                           const crypto::PublicKey& theirs) {
  NoiseIk noise(prologue, ours, ephemeral, theirs);
  noise.remote_static_ = theirs;
  return noise;
}

NoiseIk NoiseIk::responder(ByteView prologue, const crypto::PrivateKey& ours, const crypto::PrivateKey& ephemeral) {
  return NoiseIk(prologue, ours, ephemeral, ours.public_key());
}

std::optional<Bytes> NoiseIk::write_first(ByteView payload) {
  const crypto::PublicKey ephemeral = ephemeral_.public_key();
  mix_hash(ephemeral.bytes());
  if (!mix_dh(ephemeral_, remote_static_)) return std::nullopt;
  const Bytes sealed_static = encrypt_and_hash(static_.public_key().bytes());
  if (!mix_dh(static_, remote_static_)) return std::nullopt;
  const Bytes sealed_payload = encrypt_and_hash(payload);
  return Writer().bytes(ephemeral.bytes()).bytes(sealed_static).bytes(sealed_payload).take();
}

std::optional<Bytes> NoiseIk::read_first(ByteView message) {
  Reader in(message);
  const auto ephemeral = crypto::PublicKey::from_bytes(in.bytes(kKeySize));
  const ByteView sealed_static = in.bytes(kKeySize + crypto::kAeadTagSize);
  if (in.failed() || !ephemeral) return std::nullopt;
  remote_ephemeral_ = *ephemeral;
  mix_hash(remote_ephemeral_.bytes());
  if (!mix_dh(static_, remote_ephemeral_)) return std::nullopt;
  const auto opened_static = decrypt_and_hash(sealed_static);
  if (!opened_static) return std::nullopt;
  remote_static_ = *crypto::PublicKey::from_bytes(*opened_static);
  if (!mix_dh(static_, remote_static_)) return std::nullopt;
  return decrypt_and_hash(in.rest());
}

std::optional<Bytes> NoiseIk::write_second(ByteView payload) {
  const crypto::PublicKey ephemeral = ephemeral_.public_key();
  mix_hash(ephemeral.bytes());
  if (!mix_dh(ephemeral_, remote_ephemeral_)) return std::nullopt;
  if (!mix_dh(ephemeral_, remote_static_)) return std::nullopt;
  const Bytes sealed_payload = encrypt_and_hash(payload);
  return Writer().bytes(ephemeral.bytes()).bytes(sealed_payload).take();
}

std::optional<Bytes> NoiseIk::read_second(ByteView message) {
  Reader in(message);
  const auto ephemeral = crypto::PublicKey::from_bytes(in.bytes(kKeySize));
  if (in.failed() || !ephemeral) return std::nullopt;
  remote_ephemeral_ = *ephemeral;
  mix_hash(remote_ephemeral_.bytes());
  if (!mix_dh(ephemeral_, remote_ephemeral_)) return std::nullopt;
  if (!mix_dh(static_, remote_ephemeral_)) return std::nullopt;
  return decrypt_and_hash(in.rest());
}

NoiseIk::Keys NoiseIk::split() const {
  crypto::Blake2sDigest out[2];
  crypto::kdf_blake2s(chaining_key_.bytes(), {}, out);
  Keys keys{crypto::SymmetricKey(out[0]), crypto::SymmetricKey(out[1])};
  for (auto& digest : out) crypto::wipe(digest);
  return keys;
}

void NoiseIk::mix_hash(ByteView bytes) { hash_ = crypto::blake2s({hash_, bytes}); }

void NoiseIk::mix_key(ByteView input) {
  crypto::Blake2sDigest out[2];
  crypto::kdf_blake2s(chaining_key_.bytes(), input, out);
  chaining_key_ = crypto::SharedSecret(out[0]);
  key_ = crypto::SymmetricKey(out[1]);
  nonce_ = 0;
  for (auto& digest : out) crypto::wipe(digest);
}

bool NoiseIk::mix_dh(const crypto::PrivateKey& ours, const crypto::PublicKey& theirs) {
  const auto shared = crypto::x25519(ours, theirs);
  if (!shared) return false;
  mix_key(shared->bytes());
  return true;
}

Bytes NoiseIk::encrypt_and_hash(ByteView plaintext) {
  Bytes sealed = crypto::aead_seal(key_, nonce_++, plaintext, hash_);
  mix_hash(sealed);
  return sealed;
}

std::optional<Bytes> NoiseIk::decrypt_and_hash(ByteView ciphertext) {
  auto opened = crypto::aead_open(key_, nonce_++, ciphertext, hash_);
  if (opened) mix_hash(ciphertext);
  return opened;
}

}  // namespace weft::control
