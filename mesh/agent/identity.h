// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

#include "mesh/base/error.h"
#include "mesh/base/random.h"
#include "mesh/control/token.h"
#include "mesh/crypto/keys.h"

namespace weft::io {
class StateStore;
}

namespace weft::agent {

/// Who this machine is: made by Entropy on the first start and kept in the state store.
struct Identity {
  crypto::PrivateKey machine_key;  // towards the coordinator
  crypto::PrivateKey node_key;     // towards peers and relays
  control::Token token;
};

/// Loads what is stored, makes what is missing, and stores `token_text` if it is another than the stored one. Errors:
/// needs_login (no token), usage (bad token; keys or token of a simulation on a real host), corrupt, io.
Result<Identity> load_identity(io::StateStore& store, Entropy& entropy, const std::optional<std::string>& token_text);

}  // namespace weft::agent
