// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/secure_channel.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/crypto/aead.h"

namespace weft::control {
namespace {

constexpr std::string_view kPrologue = "weft/1";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kOk = 0;
constexpr std::uint8_t kNotMyKey = 1;
constexpr std::uint8_t kVersionUnknown = 2;
constexpr std::uint8_t kLast = 0;
constexpr std::uint8_t kMore = 1;
constexpr std::size_t kMaxFrame = 65535;
/// A buffer that grew beyond this, for a map, is given back when it is empty.
constexpr std::size_t kKeptCapacity = 256;
constexpr std::size_t kMaxHandshakeFrame = 512;
constexpr std::size_t kMaxPart = kMaxFrame - crypto::kAeadTagSize - 1;

void append_frame(Bytes& out, ByteView frame) {
  WEFT_ASSERT(frame.size() <= kMaxFrame);
  out.push_back(static_cast<std::uint8_t>(frame.size() >> 8));
  out.push_back(static_cast<std::uint8_t>(frame.size()));
  out.insert(out.end(), frame.begin(), frame.end());
}

}  // namespace

SecureChannel SecureChannel::initiator(const crypto::PrivateKey& ours, const crypto::PublicKey& theirs,
                                       Entropy& entropy) {
  const auto ephemeral = crypto::PrivateKey::generate(entropy);
  SecureChannel channel(NoiseIk::initiator(as_bytes(kPrologue), ours, ephemeral, theirs), State::reads_second);
  if (const auto first = channel.noise_.write_first({})) {
    channel.write_handshake(kOk, *first);
  } else {
    channel.state_ = State::failed;  // a pinned key of low order
  }
  return channel;
}

SecureChannel SecureChannel::responder(const crypto::PrivateKey& ours, Entropy& entropy) {
  const auto ephemeral = crypto::PrivateKey::generate(entropy);
  return SecureChannel(NoiseIk::responder(as_bytes(kPrologue), ours, ephemeral), State::reads_first);
}

std::expected<void, ControlError> SecureChannel::handle_data(ByteView bytes) {
  if (state_ == State::failed) return std::unexpected(ControlError::wrong_key);
  input_.insert(input_.end(), bytes.begin(), bytes.end());
  std::size_t at = 0;
  while (input_.size() - at >= 2) {
    const std::size_t length = load_u16be(input_.data() + at);
    if (!established() && length > kMaxHandshakeFrame) return fail(ControlError::malformed);
    if (input_.size() - at - 2 < length) break;
    const auto done = handle_frame(ByteView(input_).subspan(at + 2, length));
    if (!done) return done;
    at += 2 + length;
  }
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(at));
  if (input_.empty() && input_.capacity() > kKeptCapacity) input_ = Bytes();
  return {};
}

std::optional<Bytes> SecureChannel::poll_message() {
  if (next_message_ == messages_.size()) {
    messages_.clear();
    next_message_ = 0;
    return std::nullopt;
  }
  return std::move(messages_[next_message_++]);
}

std::optional<Bytes> SecureChannel::poll_write() {
  if (output_.empty()) return std::nullopt;
  return std::exchange(output_, {});
}

void SecureChannel::send(ByteView message) {
  WEFT_ASSERT(established());
  do {
    const ByteView part = message.first(std::min(message.size(), kMaxPart));
    message = message.subspan(part.size());
    Bytes plaintext;
    plaintext.reserve(part.size() + 1);
    plaintext.push_back(message.empty() ? kLast : kMore);
    plaintext.insert(plaintext.end(), part.begin(), part.end());
    append_frame(output_, crypto::aead_seal(send_key_, send_counter_++, plaintext, {}));
  } while (!message.empty());
}

void SecureChannel::write_handshake(std::uint8_t status, ByteView noise_message) {
  append_frame(output_, Writer().u8(kVersion).u8(status).bytes(noise_message).take());
}

std::expected<void, ControlError> SecureChannel::handle_frame(ByteView frame) {
  return established() ? handle_transport(frame) : handle_handshake(frame);
}

std::expected<void, ControlError> SecureChannel::handle_handshake(ByteView frame) {
  Reader in(frame);
  const std::uint8_t version = in.u8();
  const std::uint8_t status = in.u8();
  if (in.failed()) return fail(ControlError::malformed);
  if (version != kVersion) {
    if (state_ == State::reads_first) write_handshake(kVersionUnknown, {});
    return fail(ControlError::bad_version);
  }
  if (state_ == State::reads_first) return handle_first(in.rest());
  if (status == kNotMyKey) return fail(ControlError::wrong_key);
  if (status != kOk) return fail(ControlError::bad_version);
  return handle_second(in.rest());
}

std::expected<void, ControlError> SecureChannel::handle_first(ByteView message) {
  const auto answer = noise_.read_first(message) ? noise_.write_second({}) : std::nullopt;
  if (!answer) {
    write_handshake(kNotMyKey, {});
    return fail(ControlError::wrong_key);
  }
  write_handshake(kOk, *answer);
  const NoiseIk::Keys keys = noise_.split();
  send_key_ = keys.responder_to_initiator;
  receive_key_ = keys.initiator_to_responder;
  state_ = State::established;
  return {};
}

std::expected<void, ControlError> SecureChannel::handle_second(ByteView message) {
  if (!noise_.read_second(message)) return fail(ControlError::wrong_key);
  const NoiseIk::Keys keys = noise_.split();
  send_key_ = keys.initiator_to_responder;
  receive_key_ = keys.responder_to_initiator;
  state_ = State::established;
  return {};
}

std::expected<void, ControlError> SecureChannel::handle_transport(ByteView frame) {
  const auto plaintext = crypto::aead_open(receive_key_, receive_counter_++, frame, {});
  if (!plaintext) return fail(ControlError::bad_tag);
  if (plaintext->empty() || (*plaintext)[0] > kMore) return fail(ControlError::malformed);
  partial_.insert(partial_.end(), plaintext->begin() + 1, plaintext->end());
  if (partial_.size() > message_limit_) return fail(ControlError::too_large);
  if ((*plaintext)[0] == kLast) messages_.push_back(std::exchange(partial_, {}));
  return {};
}

std::unexpected<ControlError> SecureChannel::fail(ControlError error) {
  state_ = State::failed;
  input_.clear();
  partial_.clear();
  return std::unexpected(error);
}

}  // namespace weft::control
