// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/control/control_error.h"
#include "mesh/control/noise_ik.h"
#include "mesh/crypto/keys.h"

namespace weft::control {

/// Longest message before the other side is authenticated, and from a client at any time.
inline constexpr std::size_t kClientMessageLimit = 64 * 1024;
/// Longest message from a coordinator: kMaxPeersPerUpdate peers, each with all it may carry.
inline constexpr std::size_t kServerMessageLimit = 1024 * 1024;

/// Messages under Noise_IK with prologue `weft/1` over an ordered byte stream. Every frame is a big-endian u16 length
/// and that many bytes:
///
///   handshake frame   version (1), status (0: Noise message follows, 1: not my key, 2: version unknown)
///   transport frame   Noise transport message; its plaintext begins with 1 if more of the same message follows, else 0
///
/// The status is not authenticated: it only tells an honest client why it was turned away.
class SecureChannel {
 public:
  /// `theirs` is pinned: a responder with another key cannot finish the handshake.
  static SecureChannel initiator(const crypto::PrivateKey& ours, const crypto::PublicKey& theirs, Entropy& entropy);
  static SecureChannel responder(const crypto::PrivateKey& ours, Entropy& entropy);

  /// Bytes of the stream. After an error the channel takes nothing more, but poll_write may still hold the reason for
  /// the other side. Errors: wrong_key, bad_version, bad_tag, too_large, malformed.
  std::expected<void, ControlError> handle_data(ByteView bytes);
  /// The next whole message, in order.
  std::optional<Bytes> poll_message();
  /// All that waits to be written; nullopt if nothing does.
  std::optional<Bytes> poll_write();
  /// Bytes that poll_write() would give.
  std::size_t unsent() const { return output_.size(); }
  /// Only when established().
  void send(ByteView message);

  bool established() const { return state_ == State::established; }
  /// The other side's static key; of an initiator the pinned one. Authentic when established().
  const crypto::PublicKey& remote_key() const { return noise_.remote_static(); }
  void set_message_limit(std::size_t limit) { message_limit_ = limit; }

 private:
  enum class State : std::uint8_t { reads_first, reads_second, established, failed };
  SecureChannel(NoiseIk noise, State state) : noise_(std::move(noise)), state_(state) {}
  void write_handshake(std::uint8_t status, ByteView noise_message);
  std::expected<void, ControlError> handle_frame(ByteView frame);
  std::expected<void, ControlError> handle_handshake(ByteView frame);
  std::expected<void, ControlError> handle_first(ByteView message);
  std::expected<void, ControlError> handle_second(ByteView message);
  std::expected<void, ControlError> handle_transport(ByteView frame);
  std::unexpected<ControlError> fail(ControlError error);

  NoiseIk noise_;
  State state_;
  crypto::SymmetricKey send_key_;
  crypto::SymmetricKey receive_key_;
  std::uint64_t send_counter_ = 0;
  std::uint64_t receive_counter_ = 0;
  std::size_t message_limit_ = kClientMessageLimit;
  Bytes input_;    // an incomplete frame
  Bytes partial_;  // the message whose frames are arriving
  std::vector<Bytes> messages_;
  std::size_t next_message_ = 0;
  Bytes output_;
};

}  // namespace weft::control
