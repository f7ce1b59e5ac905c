// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "mesh/base/packet.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"
#include "mesh/crypto/blake2s.h"
#include "mesh/crypto/keys.h"
#include "mesh/wireguard/messages.h"

namespace weft::wireguard {

/// The macs of messages to one peer, and the cookie that it may have given us (paper §5.4.4, §5.4.7).
class CookieGenerator {
 public:
  /// `peer` outlives this.
  explicit CookieGenerator(const crypto::PublicKey& peer) : peer_(peer) {}

  /// Fills mac1, and mac2 if we hold a fresh cookie, at the end of a serialised handshake message.
  void add_macs(Time now, MutableByteView message);
  /// False unless the reply answers the message whose macs were added last.
  bool consume_reply(Time now, const CookieReply& reply);

 private:
  struct Cookie {
    crypto::SymmetricKey value;  // the first 16 bytes
    Time received;
  };
  const crypto::PublicKey& peer_;
  std::optional<Mac> last_mac1_;
  std::unique_ptr<Cookie> cookie_;  // null: none, as for nearly all
};

/// Checks macs of messages to us, and makes cookies that prove the sender's address.
class CookieChecker {
 public:
  CookieChecker(const crypto::PublicKey& own, Entropy& entropy);

  /// Whether mac1 shows that the sender knows our public key.
  bool mac1_valid(ByteView message) const;
  /// Whether mac2 was made with the cookie that we would give this sender now.
  bool mac2_valid(Time now, ByteView message, const PathId& from);
  /// The answer to a handshake message that came from `from`; `receiver_index` is the message's sender index.
  Bytes make_reply(Time now, ByteView message, std::uint32_t receiver_index, const PathId& from);

 private:
  Mac cookie_of(Time now, const PathId& from);

  crypto::Blake2sDigest mac1_key_;
  crypto::SymmetricKey reply_key_;
  Entropy& entropy_;
  crypto::SymmetricKey secret_;  // R of §5.4.7
  std::optional<Time> secret_made_;
};

}  // namespace weft::wireguard
