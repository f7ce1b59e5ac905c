// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/frame.h"

#include "mesh/base/assert.h"

namespace weft::relay {
namespace {

/// A buffer that grew beyond this is given back when empty, so that thousands of idle clients cost little.
constexpr std::size_t kKeptCapacity = 4096;

}  // namespace

void FrameReader::push(ByteView bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(read_));
  read_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::expected<std::optional<Frame>, RelayError> FrameReader::next() {
  const ByteView rest = ByteView(buffer_).subspan(read_);
  if (rest.empty()) {
    buffer_.clear();
    read_ = 0;
    if (buffer_.capacity() > kKeptCapacity) buffer_ = Bytes();
  }
  if (rest.size() < kLengthSize) return std::nullopt;
  const std::size_t length = load_u16be(rest.data());
  if (length == 0) return std::unexpected(RelayError::malformed);
  if (length > limit_) return std::unexpected(RelayError::too_long);
  if (rest.size() < kLengthSize + length) return std::nullopt;
  read_ += kLengthSize + length;
  return Frame{static_cast<FrameType>(rest[kLengthSize]), rest.subspan(kLengthSize + 1, length - 1)};
}

void append_frame(Bytes& out, FrameType type, ByteView first, ByteView second) {
  const std::size_t length = 1 + first.size() + second.size();
  WEFT_ASSERT(length <= kMaxFrame);
  out.push_back(static_cast<std::uint8_t>(length >> 8));
  out.push_back(static_cast<std::uint8_t>(length));
  out.push_back(static_cast<std::uint8_t>(type));
  out.insert(out.end(), first.begin(), first.end());
  out.insert(out.end(), second.begin(), second.end());
}

std::expected<Addressed, RelayError> parse_addressed(ByteView body) {
  if (body.size() < kKeySize) return std::unexpected(RelayError::malformed);
  return Addressed{*crypto::PublicKey::from_bytes(body.first(kKeySize)), body.subspan(kKeySize)};
}

}  // namespace weft::relay
