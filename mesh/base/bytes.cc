// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/bytes.h"

#include <algorithm>

#include "mesh/base/assert.h"

namespace weft {
namespace {

template <typename T>
T load_be(const std::uint8_t* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>((value << 8) | at[i]);
  return value;
}

template <typename T>
T load_le(const std::uint8_t* at) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) value = static_cast<T>((value << 8) | at[i]);
  return value;
}

template <typename T>
void store_be(std::uint8_t* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1 - i)));
}

template <typename T>
void store_le(std::uint8_t* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

template <typename T>
void append_be(Bytes& out, T value) {
  out.resize(out.size() + sizeof(T));
  store_be(out.data() + out.size() - sizeof(T), value);
}

template <typename T>
void append_le(Bytes& out, T value) {
  out.resize(out.size() + sizeof(T));
  store_le(out.data() + out.size() - sizeof(T), value);
}

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase32Digits = "abcdefghijklmnopqrstuvwxyz234567";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Packs 8-bit units into `width`-bit digits, most significant bit first; the last digit is filled with zero bits.
std::string encode_digits(ByteView bytes, std::string_view digits, int width) {
  std::string out;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (std::uint8_t byte : bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= width) {
      bits -= width;
      out += digits[(buffer >> bits) & ((1u << width) - 1)];
    }
  }
  if (bits > 0) out += digits[(buffer << (width - bits)) & ((1u << width) - 1)];
  return out;
}

std::optional<Bytes> decode_digits(std::string_view text, std::string_view digits, int width) {
  Bytes out;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    buffer = (buffer << width) | static_cast<std::uint32_t>(digit);
    bits += width;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(buffer >> bits));
    }
  }
  if (bits >= width || (buffer & ((1u << bits) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace

ByteView as_bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }
std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
Bytes to_bytes(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (std::uint8_t byte : bytes) {
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  Bytes out;
  int pending = -1;
  for (char c : text) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
    const auto digit = kHexDigits.find(lower(c));
    if (digit == std::string_view::npos) return std::nullopt;
    if (pending < 0) {
      pending = static_cast<int>(digit);
    } else {
      out.push_back(static_cast<std::uint8_t>(pending << 4 | static_cast<int>(digit)));
      pending = -1;
    }
  }
  if (pending >= 0) return std::nullopt;
  return out;
}

std::string to_base64(ByteView bytes) {
  std::string out = encode_digits(bytes, kBase64Digits, 6);
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::optional<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode_digits(text, kBase64Digits, 6);
}

std::string to_base32(ByteView bytes) { return encode_digits(bytes, kBase32Digits, 5); }

std::optional<Bytes> from_base32(std::string_view text) {
  std::string folded(text);
  std::ranges::transform(folded, folded.begin(), lower);
  return decode_digits(folded, kBase32Digits, 5);
}

std::uint8_t Reader::u8() {
  const ByteView run = bytes(1);
  return run.empty() ? 0 : run[0];
}
std::uint16_t Reader::u16be() {
  const ByteView run = bytes(2);
  return run.empty() ? 0 : load_be<std::uint16_t>(run.data());
}
std::uint32_t Reader::u32be() {
  const ByteView run = bytes(4);
  return run.empty() ? 0 : load_be<std::uint32_t>(run.data());
}
std::uint64_t Reader::u64be() {
  const ByteView run = bytes(8);
  return run.empty() ? 0 : load_be<std::uint64_t>(run.data());
}
std::uint16_t Reader::u16le() {
  const ByteView run = bytes(2);
  return run.empty() ? 0 : load_le<std::uint16_t>(run.data());
}
std::uint32_t Reader::u32le() {
  const ByteView run = bytes(4);
  return run.empty() ? 0 : load_le<std::uint32_t>(run.data());
}
std::uint64_t Reader::u64le() {
  const ByteView run = bytes(8);
  return run.empty() ? 0 : load_le<std::uint64_t>(run.data());
}

ByteView Reader::bytes(std::size_t count) {
  if (failed_ || count > rest_.size()) {
    failed_ = true;
    rest_ = {};
    return {};
  }
  const ByteView run = rest_.first(count);
  rest_ = rest_.subspan(count);
  return run;
}

void Reader::copy_to(MutableByteView out) {
  const ByteView run = bytes(out.size());
  if (run.size() == out.size()) {
    std::ranges::copy(run, out.begin());
  } else {
    std::ranges::fill(out, std::uint8_t{0});
  }
}

Writer& Writer::u8(std::uint8_t value) { return out_.push_back(value), *this; }
Writer& Writer::u16be(std::uint16_t value) { return append_be(out_, value), *this; }
Writer& Writer::u32be(std::uint32_t value) { return append_be(out_, value), *this; }
Writer& Writer::u64be(std::uint64_t value) { return append_be(out_, value), *this; }
Writer& Writer::u16le(std::uint16_t value) { return append_le(out_, value), *this; }
Writer& Writer::u32le(std::uint32_t value) { return append_le(out_, value), *this; }
Writer& Writer::u64le(std::uint64_t value) { return append_le(out_, value), *this; }
Writer& Writer::bytes(ByteView value) { return out_.insert(out_.end(), value.begin(), value.end()), *this; }
Writer& Writer::zeros(std::size_t count) { return out_.resize(out_.size() + count), *this; }

void Writer::patch_u16be(std::size_t at, std::uint16_t value) {
  WEFT_ASSERT(at + 2 <= out_.size());
  store_be(out_.data() + at, value);
}

}  // namespace weft
