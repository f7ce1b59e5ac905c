// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "mesh/base/bytes.h"
#include "mesh/crypto/keys.h"

namespace weft::crypto {

inline constexpr std::size_t kAeadTagSize = 16;
inline constexpr std::size_t kXNonceSize = 24;

/// One packet of a batch for Aead. In place: `length` bytes of plaintext at `data`, the tag in the 16 bytes behind
/// them.
struct AeadItem {
  std::uint64_t counter = 0;  // the nonce: 32 zero bits, then this, little-endian (WireGuard paper §5.4.6)
  std::uint8_t* data = nullptr;
  std::size_t length = 0;  // of the plaintext, without the tag
  bool ok = false;         // set by open(): the tag was right
};

/// Who computes. All give the same bytes; tests and benchmarks name one, everybody else takes the best there is.
enum class AeadImplementation : std::uint8_t { best, openssl, avx2, avx512 };

/// Whether this build has the implementation and this processor the instructions.
bool available(AeadImplementation implementation);

/// ChaCha20-Poly1305 (RFC 8439) under one key, without associated data, over batches of packets. Moves, does not copy.
class Aead {
 public:
  /// `implementation` must be available().
  explicit Aead(const SymmetricKey& key, AeadImplementation implementation = AeadImplementation::best);
  Aead(Aead&&) noexcept;
  Aead& operator=(Aead&&) noexcept;
  ~Aead();

  /// Encrypts each item in place and writes its tag behind it.
  void seal(std::span<AeadItem> items);
  /// Verifies and decrypts each item in place; `ok` says which tags were right. The bytes of a wrong one are undefined.
  void open(std::span<AeadItem> items);

 private:
  struct Cipher;
  std::unique_ptr<Cipher> cipher_;
};

/// ChaCha20-Poly1305 with associated data, one message (handshakes). Returns ciphertext and tag.
Bytes aead_seal(const SymmetricKey& key, std::uint64_t counter, ByteView plaintext, ByteView associated_data);
/// nullopt if the tag is wrong or `ciphertext` is shorter than a tag.
std::optional<Bytes> aead_open(const SymmetricKey& key, std::uint64_t counter, ByteView ciphertext,
                               ByteView associated_data);

/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with a 24-byte nonce. Returns ciphertext and tag.
Bytes xaead_seal(const SymmetricKey& key, std::span<const std::uint8_t, kXNonceSize> nonce, ByteView plaintext,
                 ByteView associated_data);
/// The same in place: `message` is the plaintext and kAeadTagSize bytes for the tag.
void xaead_seal_in_place(const SymmetricKey& key, std::span<const std::uint8_t, kXNonceSize> nonce,
                         MutableByteView message, ByteView associated_data);
/// nullopt if the tag is wrong or `ciphertext` is shorter than a tag.
std::optional<Bytes> xaead_open(const SymmetricKey& key, std::span<const std::uint8_t, kXNonceSize> nonce,
                                ByteView ciphertext, ByteView associated_data);

}  // namespace weft::crypto
