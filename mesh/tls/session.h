// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"

namespace weft::tls {

class Context;

struct ClientOptions {
  /// The Ed25519 key that the server's certificate must hold; nullopt accepts any (what is inside the stream then pins
  /// the other side, as the control channel does).
  std::optional<crypto::VerifyKey> expected_key;
  /// The time at which the certificate must be valid; nullopt leaves its dates unread.
  std::optional<WallTime> valid_at;
};

/// One end of a TLS 1.3 connection (RFC 8446), bytes in and bytes out: it owns no socket and reads no clock. After each
/// call the owner empties poll_ciphertext() towards the network and poll_plaintext() towards the application, then
/// looks at failed() and peer_closed().
class Session {
 public:
  static Session client(Context& context, const ClientOptions& options = {});
  /// `context` can serve.
  static Session server(Context& context);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Bytes of the network, in order, cut anywhere.
  void handle_ciphertext(ByteView bytes);
  /// Bytes for the network; also after a failure, when they are the alert that tells the other side.
  std::optional<Bytes> poll_ciphertext();
  /// Encrypts and returns how many bytes were taken: all once established() and before close_notify(), otherwise 0.
  std::size_t write_plaintext(ByteView bytes);
  std::optional<Bytes> poll_plaintext();
  /// Tells the other side that no more follows (RFC 8446 §6.1); what it still sends is taken.
  void close_notify();

  /// The handshake is done and, for a client, the server's key is the expected one.
  bool established() const;
  /// The other side has sent close_notify: what poll_plaintext() has given is all.
  bool peer_closed() const;
  /// Why the session is dead; nothing is taken afterwards. Codes: refused (another key than expected, dates, an alert
  /// of the other side, no TLS at all on the other side), corrupt (a record that fails authentication).
  const std::optional<Error>& failed() const;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weft::tls
