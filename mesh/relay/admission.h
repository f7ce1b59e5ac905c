// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <expected>

#include "mesh/base/bytes.h"
#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"
#include "mesh/relay/relay_error.h"

namespace weft::relay {

/// What a coordinator signs so that a relay serves a node. The relay needs no list of nodes, only the coordinator's
/// key; a node that is removed is cut off when the coordinator says so (Hub::revoke), or, at a relay that does not hear
/// it, when its last admission expires (at most kMaxAdmissionLife after it was signed).
struct Admission {
  crypto::PublicKey node_key;
  WallTime not_after;  // coordinator's time; whole seconds
  friend bool operator==(const Admission&, const Admission&) = default;
};

/// An admission that lasts longer from the relay's now is refused, so a coordinator cannot sign for ever by mistake.
inline constexpr Duration kMaxAdmissionLife = 24h;
/// Version, node key, seconds, signature.
inline constexpr std::size_t kAdmissionSize = 1 + 32 + 8 + 64;

Bytes sign(const Admission& admission, const crypto::SigningKey& coordinator);

/// Errors: malformed, unsupported_version, wrong_signature, admission_expired (also for one that lasts longer than
/// kMaxAdmissionLife and an hour of skew).
std::expected<Admission, RelayError> verify_admission(ByteView bytes, const crypto::VerifyKey& coordinator,
                                                      WallTime now);

}  // namespace weft::relay
