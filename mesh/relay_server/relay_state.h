// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <optional>
#include <string>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"

namespace weft::io {
class FileSystem;
}
namespace weft {
class Entropy;
}

namespace weft::relay_server {

using Revocations = std::map<crypto::PublicKey, WallTime>;

/// What a relay keeps in its state directory, one entry of io::StateStore each.
struct RelayState {
  crypto::SigningKey identity;     // in the TLS certificate and the relay record
  crypto::PrivateKey machine_key;  // of the control channel
  std::optional<std::string> token;
  std::optional<crypto::VerifyKey> coordinator;
  /// Nodes that were removed, and until when their admissions would have counted: a relay that starts again while the
  /// coordinator is away must not let them in.
  Revocations revoked;
};

/// Reads the state; makes and stores the keys on the first start. Errors: io, corrupt, usage if the keys were made in a
/// simulation and this host is none.
Result<RelayState> load_state(io::FileSystem& files, Entropy& entropy);
Result<void> store_token(io::FileSystem& files, const std::string& token);
Result<void> store_coordinator(io::FileSystem& files, const crypto::VerifyKey& coordinator);
Result<void> store_revocations(io::FileSystem& files, const Revocations& revoked);

}  // namespace weft::relay_server
