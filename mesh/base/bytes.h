// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

/// The bytes of `text`, without a copy; valid as long as `text` is.
ByteView as_bytes(std::string_view text);
/// The characters of `bytes`, without a copy; valid as long as `bytes` are.
std::string_view as_text(ByteView bytes);
Bytes to_bytes(ByteView bytes);

/// Lower-case hexadecimal, two characters a byte.
std::string to_hex(ByteView bytes);
/// Accepts upper and lower case, ignores white space. nullopt on any other character or an odd count of digits.
std::optional<Bytes> from_hex(std::string_view text);
/// RFC 4648 §4 with padding.
std::string to_base64(ByteView bytes);
/// RFC 4648 §4 with padding; nullopt if `text` is not in its one canonical form.
std::optional<Bytes> from_base64(std::string_view text);
/// RFC 4648 §6 in lower case without padding (setup tokens).
std::string to_base32(ByteView bytes);
/// Either case; nullopt on a foreign character or if the unused last bits are not zero.
std::optional<Bytes> from_base32(std::string_view text);

/// Reads integers and byte runs from the front of a buffer. Never reads past the end: the first read that does not fit
/// sets failed(), and from then on every read yields zeros or an empty view, so a parser checks once, at its end.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  std::uint8_t u8();
  std::uint16_t u16be();
  std::uint32_t u32be();
  std::uint64_t u64be();
  std::uint16_t u16le();
  std::uint32_t u32le();
  std::uint64_t u64le();
  /// A view into the buffer, or an empty one.
  ByteView bytes(std::size_t count);
  void skip(std::size_t count) { bytes(count); }
  /// Copies exactly out.size() bytes, or zeroes `out`.
  void copy_to(MutableByteView out);

  /// All that has not been read.
  ByteView rest() const { return rest_; }
  std::size_t remaining() const { return rest_.size(); }
  bool failed() const { return failed_; }
  /// Nothing failed and nothing is left.
  bool complete() const { return !failed_ && rest_.empty(); }

 private:
  ByteView rest_;
  bool failed_ = false;
};

/// Appends integers and byte runs to a growing buffer.
class Writer {
 public:
  /// Room for that many bytes, so that they cost one allocation.
  Writer& reserve(std::size_t size) {
    out_.reserve(size);
    return *this;
  }
  Writer& u8(std::uint8_t value);
  Writer& u16be(std::uint16_t value);
  Writer& u32be(std::uint32_t value);
  Writer& u64be(std::uint64_t value);
  Writer& u16le(std::uint16_t value);
  Writer& u32le(std::uint32_t value);
  Writer& u64le(std::uint64_t value);
  Writer& bytes(ByteView value);
  Writer& zeros(std::size_t count);

  std::size_t size() const { return out_.size(); }
  ByteView view() const { return out_; }
  /// Overwrites two bytes written before, for lengths known only at the end. `at + 2` must not exceed size().
  void patch_u16be(std::size_t at, std::uint16_t value);
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

/// Integer access at a place the caller has already bounded. Here, since the data path does it per packet.
namespace detail {
template <typename T, std::endian order>
T load(const std::uint8_t* at) {
  T value = 0;
  std::memcpy(&value, at, sizeof value);
  if constexpr (order != std::endian::native) value = std::byteswap(value);
  return value;
}
template <std::endian order, typename T>
void store(std::uint8_t* at, T value) {
  if constexpr (order != std::endian::native) value = std::byteswap(value);
  std::memcpy(at, &value, sizeof value);
}
}  // namespace detail

inline std::uint16_t load_u16be(const std::uint8_t* at) { return detail::load<std::uint16_t, std::endian::big>(at); }
inline std::uint32_t load_u32be(const std::uint8_t* at) { return detail::load<std::uint32_t, std::endian::big>(at); }
inline std::uint32_t load_u32le(const std::uint8_t* at) { return detail::load<std::uint32_t, std::endian::little>(at); }
inline std::uint64_t load_u64le(const std::uint8_t* at) { return detail::load<std::uint64_t, std::endian::little>(at); }
inline void store_u16be(std::uint8_t* at, std::uint16_t value) { detail::store<std::endian::big>(at, value); }
inline void store_u32be(std::uint8_t* at, std::uint32_t value) { detail::store<std::endian::big>(at, value); }
inline void store_u32le(std::uint8_t* at, std::uint32_t value) { detail::store<std::endian::little>(at, value); }
inline void store_u64le(std::uint8_t* at, std::uint64_t value) { detail::store<std::endian::little>(at, value); }

}  // namespace weft
