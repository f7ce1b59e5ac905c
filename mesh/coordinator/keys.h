// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "mesh/control/token.h"
#include "mesh/crypto/blake2s.h"

namespace weft::coordinator {

struct KeyOptions {
  bool reusable = false;             // otherwise good for one machine
  bool ephemeral = false;            // nodes that join with it are removed some time after they went offline
  std::optional<Duration> lifetime;  // nullopt: does not expire
  std::string note;                  // for the operator's list
};

/// A setup key as the operator sees it; the secret is known to nobody after its token was printed.
struct KeyInfo {
  std::uint64_t id = 0;
  KeyOptions options;
  WallTime created;
  std::optional<WallTime> expires;
  bool revoked = false;
  std::uint64_t uses = 0;
};

/// What is stored of a secret. The secret has 128 random bits, so one hash is enough.
crypto::Blake2sDigest hash_secret(const control::SetupSecret& secret);

/// Whether a machine may join with `key` at `now`. `floor`: the machine was removed when this was the newest key; only
/// a later one lets it in again. Errors: key_expired_or_used.
Result<void> check_redeemable(const KeyInfo& key, WallTime now, std::uint64_t floor);

}  // namespace weft::coordinator
