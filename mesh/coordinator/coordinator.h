// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/control/netmap.h"
#include "mesh/control/registration.h"
#include "mesh/coordinator/keys.h"
#include "mesh/crypto/keys.h"

namespace weft::io {
class Host;
}

namespace weft::coordinator {

struct CoordinatorConfig {
  std::vector<Endpoint> listen;      // at least one
  std::vector<Endpoint> advertised;  // what tokens carry; empty: the address in use
  bool tls = true;
  Duration ephemeral_grace = 10min;  // how long an ephemeral node may be offline
};

/// A node or relay as the operator sees it.
struct NodeInfo {
  std::uint64_t id = 0;
  std::string name;
  control::Role role = control::Role::node;
  crypto::PublicKey node_key;
  std::vector<IpAddress> addresses;
  bool online = false;
  bool ephemeral = false;
  bool expired = false;  // must join again with a new setup key
  WallTime created;
  WallTime last_seen;
  std::uint16_t relay_id = 0;    // of a relay
  std::uint16_t home_relay = 0;  // of a node
};

/// The service that keeps the list of nodes and tells each about the others. State lives in host.files(): one SQLite
/// database and a lock file. It makes its keys and its certificate on the first start.
class Coordinator {
 public:
  Coordinator(io::Host& host, CoordinatorConfig config);
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  /// Opens the state and listens. Errors: refused if another process uses the state, corrupt, io, port_taken, usage
  /// (keys of a simulation on a real host).
  Result<void> start();
  void stop();
  /// The first of them.
  Endpoint local_endpoint() const;
  /// The key that tokens pin, and the one that verifies admissions. Valid after start().
  crypto::PublicKey public_key() const;
  crypto::VerifyKey verify_key() const;

  /// A new setup key as its token, which is shown once and not kept. Errors: io.
  Result<std::string> create_key(const KeyOptions& options);
  Result<std::vector<KeyInfo>> list_keys();
  /// No further machine joins with it; those that did stay. Errors: not_found, io.
  Result<void> revoke_key(std::uint64_t id);

  std::vector<NodeInfo> list_nodes() const;
  /// By name or number. The node is cut off at once, leaves every map, and may come back only with a setup key that is
  /// made later. Errors: not_found, io.
  Result<void> remove_node(const std::string& name_or_id);
  /// The node keeps name and addresses, but is cut off until it joins with a new setup key. Errors: not_found, io.
  Result<void> expire_node(const std::string& name_or_id);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::coordinator
