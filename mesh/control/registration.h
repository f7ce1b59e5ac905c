// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/random.h"
#include "mesh/control/token.h"
#include "mesh/crypto/keys.h"

namespace weft::control {

enum class Role : std::uint8_t { node = 0, relay = 1 };

/// What a relay offers to the nodes.
struct RelayOffer {
  crypto::VerifyKey key;  // in its TLS certificate
  std::vector<Endpoint> stream_endpoints;
  std::vector<Endpoint> stun_endpoints;
  bool tls = true;
  friend bool operator==(const RelayOffer&, const RelayOffer&) = default;
};

/// How a node or relay introduces itself. The machine key is the channel's and not repeated here.
struct Registration {
  crypto::PublicKey node_key;  // of a relay: unused
  std::string name;            // wanted; the coordinator makes it unique
  /// Needed only until the coordinator knows the machine; sent each time does no harm.
  std::optional<SetupSecret> secret;
  Role role = Role::node;
  KeyProvenance provenance = KeyProvenance::operating_system;
  std::optional<RelayOffer> relay;  // if role is relay
};

}  // namespace weft::control
