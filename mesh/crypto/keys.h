// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/bytes.h"
#include "mesh/base/random.h"

namespace weft::crypto {

/// Overwrites memory in a way the compiler keeps.
void wipe(MutableByteView bytes);
/// Constant-time comparison of equal-length runs; false if the lengths differ.
bool equal_constant_time(ByteView a, ByteView b);

/// 32 secret bytes: wiped when destroyed, never printed, compared in constant time. `Tag` keeps kinds apart.
template <typename Tag>
class SecretKey {
 public:
  static constexpr std::size_t kSize = 32;
  SecretKey() = default;
  explicit SecretKey(const std::array<std::uint8_t, kSize>& bytes) : bytes_(bytes) {}
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey() { wipe(bytes_); }

  /// nullopt unless `bytes` has 32 bytes.
  static std::optional<SecretKey> from_bytes(ByteView bytes) {
    if (bytes.size() != kSize) return std::nullopt;
    SecretKey key;
    for (std::size_t i = 0; i < kSize; ++i) key.bytes_[i] = bytes[i];
    return key;
  }
  static std::optional<SecretKey> from_base64(std::string_view text) {
    const auto bytes = weft::from_base64(text);
    return bytes ? from_bytes(*bytes) : std::nullopt;
  }
  ByteView bytes() const { return bytes_; }
  MutableByteView mutable_bytes() { return bytes_; }
  bool is_zero() const { return equal_constant_time(bytes_, std::array<std::uint8_t, kSize>{}); }
  friend bool operator==(const SecretKey& a, const SecretKey& b) { return equal_constant_time(a.bytes_, b.bytes_); }

 private:
  std::array<std::uint8_t, kSize> bytes_{};
};

using PresharedKey = SecretKey<struct PresharedKeyTag>;
using SharedSecret = SecretKey<struct SharedSecretTag>;
using SymmetricKey = SecretKey<struct SymmetricKeyTag>;

/// 32 public bytes; ordered and hashable, printed as base64. `Tag` keeps kinds apart.
template <typename Tag>
class PublicBytes {
 public:
  static constexpr std::size_t kSize = 32;
  PublicBytes() = default;
  explicit PublicBytes(const std::array<std::uint8_t, kSize>& bytes) : bytes_(bytes) {}
  static std::optional<PublicBytes> from_bytes(ByteView bytes) {
    if (bytes.size() != kSize) return std::nullopt;
    PublicBytes key;
    for (std::size_t i = 0; i < kSize; ++i) key.bytes_[i] = bytes[i];
    return key;
  }
  static std::optional<PublicBytes> from_base64(std::string_view text) {
    const auto bytes = weft::from_base64(text);
    return bytes ? from_bytes(*bytes) : std::nullopt;
  }
  ByteView bytes() const { return bytes_; }
  bool is_zero() const { return *this == PublicBytes{}; }
  std::string to_base64() const { return weft::to_base64(bytes_); }
  friend auto operator<=>(const PublicBytes&, const PublicBytes&) = default;

 private:
  std::array<std::uint8_t, kSize> bytes_{};
};

/// Curve25519 public key (RFC 7748).
using PublicKey = PublicBytes<struct X25519PublicTag>;
/// Ed25519 public key (RFC 8032).
using VerifyKey = PublicBytes<struct Ed25519PublicTag>;

/// Curve25519 private key, clamped.
class PrivateKey : public SecretKey<struct X25519PrivateTag> {
 public:
  PrivateKey() = default;
  explicit PrivateKey(const std::array<std::uint8_t, kSize>& bytes);
  static PrivateKey generate(Entropy& entropy);
  static std::optional<PrivateKey> from_bytes(ByteView bytes);
  static std::optional<PrivateKey> from_base64(std::string_view text);
  PublicKey public_key() const;
};

/// X25519 (RFC 7748 §6.1); nullopt if the result is all zero (a low-order point).
std::optional<SharedSecret> x25519(const PrivateKey& ours, const PublicKey& theirs);

/// Ed25519 signing key: the 32-byte seed of RFC 8032 §5.1.5.
class SigningKey : public SecretKey<struct Ed25519SeedTag> {
 public:
  SigningKey() = default;
  static SigningKey generate(Entropy& entropy);
  static std::optional<SigningKey> from_bytes(ByteView bytes);
  VerifyKey verify_key() const;
  using Signature = std::array<std::uint8_t, 64>;
  Signature sign(ByteView message) const;
};

/// Whether `signature` (64 bytes) is `key`'s signature of `message`.
bool verify(const VerifyKey& key, ByteView message, ByteView signature);

}  // namespace weft::crypto

template <typename Tag>
struct std::hash<weft::crypto::PublicBytes<Tag>> {
  std::size_t operator()(const weft::crypto::PublicBytes<Tag>& key) const noexcept {
    return static_cast<std::size_t>(weft::load_u64le(key.bytes().data()));
  }
};
