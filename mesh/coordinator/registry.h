// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/control/map_log.h"
#include "mesh/coordinator/address_pool.h"
#include "mesh/coordinator/node.h"
#include "mesh/coordinator/store.h"

namespace weft::coordinator {

/// Who belongs to the network: joins machines by setup keys, gives names and addresses, and keeps the map that clients
/// are sent. What decides about membership is durable before it is answered; publications and last_seen with the next
/// flush().
class Registry {
 public:
  /// `provenance`: whether keys of a simulation are accepted.
  Registry(Store& store, AddressPool pool, std::uint64_t epoch, KeyProvenance provenance)
      : store_(store), pool_(std::move(pool)), log_(epoch), provenance_(provenance) {}

  /// Reads the nodes of an earlier run; all are offline.
  Result<void> load();

  /// A machine says who it is; a known one needs no setup key, so that a lost answer can be asked for again. Returns
  /// the node's number. Errors: key_expired_or_used, needs_login (expired), refused (no key, node key of another
  /// machine, keys of a simulation), limit, io.
  Result<std::uint64_t> join(const crypto::PublicKey& machine_key, const control::Registration& registration,
                             WallTime now);
  void set_online(std::uint64_t id, bool online, WallTime now);
  void publish(std::uint64_t id, control::Publish publication);
  /// `ban`: the machine may return only with a setup key that is made later.
  Result<void> remove(std::uint64_t id, bool ban);
  Result<void> expire(std::uint64_t id);
  /// Stores what may be lost by a crash.
  Result<void> flush();

  const Node* find(std::uint64_t id) const;
  /// By name or decimal number; 0 if there is none.
  std::uint64_t lookup(const std::string& name_or_id) const;
  const std::map<std::uint64_t, Node>& nodes() const { return nodes_; }
  std::vector<IpAddress> addresses(const Node& node) const;
  control::MapLog& log() { return log_; }
  bool dirty() const { return !dirty_.empty(); }

 private:
  Result<std::uint64_t> admit(Node node, const control::Registration& registration, WallTime now);
  Result<std::uint64_t> rejoin(Node node, const control::Registration& registration, WallTime now);
  Result<void> check(const crypto::PublicKey& machine_key, const control::Registration& registration) const;
  Result<KeyInfo> redeemable(const crypto::PublicKey& machine_key, const control::Registration& registration,
                             WallTime now);
  std::string free_name(const std::string& wanted) const;
  std::uint16_t free_relay_id() const;
  void put(Node node);
  void show(const Node& node);
  void hide(const Node& node);

  Store& store_;
  AddressPool pool_;
  control::MapLog log_;
  KeyProvenance provenance_;
  std::map<std::uint64_t, Node> nodes_;
  std::map<crypto::PublicKey, std::uint64_t> by_machine_;
  std::map<crypto::PublicKey, std::uint64_t> by_node_key_;
  std::map<std::string, std::uint64_t> by_name_;
  std::set<std::uint16_t> relay_ids_;
  std::set<std::uint64_t> dirty_;
};

}  // namespace weft::coordinator
