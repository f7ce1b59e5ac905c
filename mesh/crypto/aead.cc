// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/crypto/aead.h"

#include <openssl/evp.h>
#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/crypto_aead_xchacha20poly1305.h>

#include <algorithm>

#include "mesh/base/assert.h"
#include "mesh/crypto/batched_aead.h"

namespace weft::crypto {

#ifndef WEFT_BATCHED_AEAD  // the build leaves batched_aead.cc out
const LaneKernels* lane_kernels(AeadImplementation) { return nullptr; }
void batched_seal(const LaneKernels&, const SymmetricKey&, std::span<AeadItem>) {}
void batched_open(const LaneKernels&, const SymmetricKey&, std::span<AeadItem>) {}
#endif

namespace {

using Nonce = std::array<std::uint8_t, 12>;

Nonce nonce_of(std::uint64_t counter) {
  Nonce nonce{};
  store_u64le(nonce.data() + 4, counter);
  return nonce;
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const EVP_CIPHER* cipher_algorithm() {
  static const EVP_CIPHER* const algorithm = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  WEFT_ASSERT(algorithm != nullptr);
  return algorithm;
}

}  // namespace

/// OpenSSL keeps a key schedule per direction; a session uses a key in one direction only, so each is made on first use
/// and an idle session costs little more than its key. With kernels there are no schedules at all.
struct Aead::Cipher {
  SymmetricKey key;
  const LaneKernels* kernels;  // nullptr: OpenSSL
  Context sealing;
  Context opening;

  EVP_CIPHER_CTX* context(bool seal) {
    Context& context = seal ? sealing : opening;
    if (!context) {
      context.reset(EVP_CIPHER_CTX_new());
      const int ok =
          EVP_CipherInit_ex2(context.get(), cipher_algorithm(), key.bytes().data(), nullptr, seal ? 1 : 0, nullptr);
      WEFT_ASSERT(ok == 1);
    }
    return context.get();
  }
};

bool available(AeadImplementation implementation) {
  return implementation == AeadImplementation::best || implementation == AeadImplementation::openssl ||
         lane_kernels(implementation) != nullptr;
}

Aead::Aead(const SymmetricKey& key, AeadImplementation implementation)
    : cipher_(new Cipher{key, lane_kernels(implementation), nullptr, nullptr}) {
  WEFT_ASSERT(available(implementation));
}
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;
Aead::~Aead() = default;

void Aead::seal(std::span<AeadItem> items) {
  if (cipher_->kernels != nullptr) return batched_seal(*cipher_->kernels, cipher_->key, items);
  EVP_CIPHER_CTX* const context = cipher_->context(true);
  for (AeadItem& item : items) {
    const Nonce nonce = nonce_of(item.counter);
    int written = 0;
    bool ok = EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), -1, nullptr) == 1;
    if (item.length > 0) {
      ok = ok && EVP_CipherUpdate(context, item.data, &written, item.data, static_cast<int>(item.length)) == 1;
    }
    ok = ok && EVP_CipherFinal_ex(context, item.data + item.length, &written) == 1;
    ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAeadTagSize, item.data + item.length) == 1;
    WEFT_ASSERT(ok);
    item.ok = true;
  }
}

void Aead::open(std::span<AeadItem> items) {
  if (cipher_->kernels != nullptr) return batched_open(*cipher_->kernels, cipher_->key, items);
  EVP_CIPHER_CTX* const context = cipher_->context(false);
  for (AeadItem& item : items) {
    const Nonce nonce = nonce_of(item.counter);
    int written = 0;
    bool ok = EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), -1, nullptr) == 1;
    ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAeadTagSize, item.data + item.length) == 1;
    if (item.length > 0) {
      ok = ok && EVP_CipherUpdate(context, item.data, &written, item.data, static_cast<int>(item.length)) == 1;
    }
    std::uint8_t nothing[1];
    item.ok = ok && EVP_CipherFinal_ex(context, nothing, &written) == 1;
  }
}

Bytes aead_seal(const SymmetricKey& key, std::uint64_t counter, ByteView plaintext, ByteView associated_data) {
  const Nonce nonce = nonce_of(counter);
  Bytes out(plaintext.size() + kAeadTagSize);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(),
                                            associated_data.data(), associated_data.size(), nullptr, nonce.data(),
                                            key.bytes().data());
  return out;
}

std::optional<Bytes> aead_open(const SymmetricKey& key, std::uint64_t counter, ByteView ciphertext,
                               ByteView associated_data) {
  if (ciphertext.size() < kAeadTagSize) return std::nullopt;
  const Nonce nonce = nonce_of(counter);
  Bytes out(ciphertext.size() - kAeadTagSize);
  if (crypto_aead_chacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(),
                                                associated_data.data(), associated_data.size(), nonce.data(),
                                                key.bytes().data()) != 0) {
    return std::nullopt;
  }
  return out;
}

Bytes xaead_seal(const SymmetricKey& key, std::span<const std::uint8_t, kXNonceSize> nonce, ByteView plaintext,
                 ByteView associated_data) {
  Bytes out(plaintext.size() + kAeadTagSize);
  std::ranges::copy(plaintext, out.begin());
  xaead_seal_in_place(key, nonce, out, associated_data);
  return out;
}

void xaead_seal_in_place(const SymmetricKey& key, std::span<const std::uint8_t, kXNonceSize> nonce,
                         MutableByteView message, ByteView associated_data) {
  WEFT_ASSERT(message.size() >= kAeadTagSize);
  crypto_aead_xchacha20poly1305_ietf_encrypt(message.data(), nullptr, message.data(), message.size() - kAeadTagSize,
                                             associated_data.data(), associated_data.size(), nullptr, nonce.data(),
                                             key.bytes().data());
}

std::optional<Bytes> xaead_open(const SymmetricKey& key, std::span<const std::uint8_t, kXNonceSize> nonce,
                                ByteView ciphertext, ByteView associated_data) {
  if (ciphertext.size() < kAeadTagSize) return std::nullopt;
  Bytes out(ciphertext.size() - kAeadTagSize);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(),
                                                 associated_data.data(), associated_data.size(), nonce.data(),
                                                 key.bytes().data()) != 0) {
    return std::nullopt;
  }
  return out;
}

}  // namespace weft::crypto
