// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/keys.h"

namespace weft::coordinator {

crypto::Blake2sDigest hash_secret(const control::SetupSecret& secret) {
  return crypto::blake2s({as_bytes("weft setup key 1"), secret});
}

Result<void> check_redeemable(const KeyInfo& key, WallTime now, std::uint64_t floor) {
  const auto refuse = [](const char* why) {
    return fail(ErrorCode::key_expired_or_used,
                std::string("the setup key ") + why + ": ask for a new one (weft key create)");
  };
  if (key.revoked) return refuse("has been revoked");
  if (key.expires && *key.expires <= now) return refuse("has expired");
  if (!key.options.reusable && key.uses > 0) return refuse("has been used by another machine");
  if (key.id <= floor) return refuse("is older than the removal of this machine");
  return {};
}

}  // namespace weft::coordinator
