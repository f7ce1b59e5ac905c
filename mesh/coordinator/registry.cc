// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/registry.h"

#include <charconv>

#include "mesh/base/assert.h"

namespace weft::coordinator {
namespace {

using control::Role;

/// A DNS label (RFC 1035 §2.3.1) as near to `wanted` as can be.
std::string label(const std::string& wanted) {
  std::string name;
  for (const char c : wanted.substr(0, wanted.find('.'))) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (letter || lower != c) {
      name += lower;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  name = name.substr(0, 52);  // leaves room for a suffix
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "node" : name;
}

}  // namespace

Result<void> Registry::load() {
  auto stored = store_.nodes();
  if (!stored) return std::unexpected(stored.error());
  for (Node& node : *stored) {
    if (node.registration.role == Role::node) pool_.mark(node.ipv4);
    put(std::move(node));
  }
  return {};
}

Result<std::uint64_t> Registry::join(const crypto::PublicKey& machine_key, const control::Registration& registration,
                                     WallTime now) {
  if (auto sound = check(machine_key, registration); !sound) return std::unexpected(sound.error());
  const auto known = by_machine_.find(machine_key);
  if (known != by_machine_.end()) return rejoin(nodes_.at(known->second), registration, now);
  Node node;
  node.machine_key = machine_key;
  node.created = now;
  return admit(std::move(node), registration, now);
}

Result<void> Registry::check(const crypto::PublicKey& machine_key, const control::Registration& registration) const {
  if (registration.provenance == KeyProvenance::simulated && provenance_ != KeyProvenance::simulated) {
    return fail(ErrorCode::refused, "this machine's keys were made by a simulation: delete its state and join again");
  }
  if (registration.role == Role::relay && !registration.relay) {
    return fail(ErrorCode::refused, "a relay must say what it offers");
  }
  if (registration.role == Role::node && registration.node_key.is_zero()) {
    return fail(ErrorCode::refused, "a node must say its key");
  }
  const auto owner = by_node_key_.find(registration.node_key);
  if (owner != by_node_key_.end() && nodes_.at(owner->second).machine_key != machine_key) {
    return fail(ErrorCode::refused, "another machine has this node key: two hosts must not share a state directory");
  }
  const auto known = by_machine_.find(machine_key);
  if (known != by_machine_.end() && nodes_.at(known->second).registration.role != registration.role) {
    return fail(ErrorCode::refused, "this machine joined in another role: remove it first (weft node remove)");
  }
  return {};
}

Result<KeyInfo> Registry::redeemable(const crypto::PublicKey& machine_key, const control::Registration& registration,
                                     WallTime now) {
  if (!registration.secret) {
    return fail(ErrorCode::needs_login,
                "this machine does not belong to the network: join with a setup key (weft up --key)");
  }
  const auto key = store_.find_key(hash_secret(*registration.secret));
  if (!key) return std::unexpected(key.error());
  if (!*key)
    return fail(ErrorCode::key_expired_or_used,
                "the coordinator does not know this setup key: ask for a new one (weft key create)");
  const auto floor = store_.removal_floor(machine_key);
  if (!floor) return std::unexpected(floor.error());
  if (auto allowed = check_redeemable(**key, now, *floor); !allowed) return std::unexpected(allowed.error());
  return **key;
}

Result<std::uint64_t> Registry::admit(Node node, const control::Registration& registration, WallTime now) {
  const auto key = redeemable(node.machine_key, registration, now);
  if (!key) return std::unexpected(key.error());
  node.registration = registration;
  node.registration.secret.reset();
  node.name = free_name(label(registration.name));
  node.ephemeral = key->options.ephemeral;
  node.setup_key = key->id;
  node.last_seen = now;
  if (registration.role == Role::relay) {
    node.relay_id = free_relay_id();
    if (node.relay_id == 0) return fail(ErrorCode::limit, "the network has as many relays as it can have");
  } else {
    const auto address = pool_.take();
    if (!address) return fail(ErrorCode::limit, "all overlay addresses are taken");
    node.ipv4 = *address;
  }
  const auto stored = store_.transact([&]() -> Result<void> {
    const auto id = store_.put_node(node);
    if (!id) return std::unexpected(id.error());
    node.id = *id;
    return store_.count_use(key->id);
  });
  if (!stored) {
    if (node.relay_id == 0) pool_.release(node.ipv4);
    return std::unexpected(stored.error());
  }
  const std::uint64_t id = node.id;
  put(std::move(node));
  return id;
}

Result<std::uint64_t> Registry::rejoin(Node node, const control::Registration& registration, WallTime now) {
  std::optional<KeyInfo> key;
  if (node.expired) {
    auto found = redeemable(node.machine_key, registration, now);
    if (!found && found.error().code != ErrorCode::io && found.error().code != ErrorCode::corrupt) {
      return fail(ErrorCode::needs_login,
                  "this machine's membership has expired: join with a new setup key (weft up --key)");
    }
    if (!found) return std::unexpected(found.error());
    key = *found;
  }
  const control::Registration before = node.registration;
  node.registration = registration;
  node.registration.secret.reset();
  node.expired = false;
  node.last_seen = now;
  const bool same = !key && before.node_key == registration.node_key && before.relay == registration.relay &&
                    before.name == registration.name && before.provenance == registration.provenance;
  if (!same) {
    const auto stored = store_.transact([&]() -> Result<void> {
      if (const auto id = store_.put_node(node); !id) return std::unexpected(id.error());
      return key ? store_.count_use(key->id) : Result<void>{};
    });
    if (!stored) return std::unexpected(stored.error());
  }
  if (node.relay_id == 0) by_node_key_.erase(before.node_key);
  const std::uint64_t id = node.id;
  put(std::move(node));
  return id;
}

void Registry::set_online(std::uint64_t id, bool online, WallTime now) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return;
  Node& node = found->second;
  node.last_seen = now;
  dirty_.insert(id);
  if (std::exchange(node.online, online) != online && node.registration.role == Role::node) show(node);
}

void Registry::publish(std::uint64_t id, control::Publish publication) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return;
  found->second.publication = std::move(publication);
  dirty_.insert(id);
  show(found->second);
}

Result<void> Registry::remove(std::uint64_t id, bool ban) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return fail(ErrorCode::not_found, "there is no node " + std::to_string(id));
  if (auto done = store_.remove_node(found->second, ban); !done) return done;
  const Node node = std::move(found->second);
  nodes_.erase(found);
  hide(node);
  by_machine_.erase(node.machine_key);
  if (node.relay_id == 0) by_node_key_.erase(node.registration.node_key);
  by_name_.erase(node.name);
  dirty_.erase(id);
  if (node.relay_id != 0) {
    relay_ids_.erase(node.relay_id);
  } else {
    pool_.release(node.ipv4);
  }
  return {};
}

Result<void> Registry::expire(std::uint64_t id) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return fail(ErrorCode::not_found, "there is no node " + std::to_string(id));
  Node changed = found->second;
  changed.expired = true;
  changed.online = false;
  const auto stored = store_.put_node(changed);
  if (!stored) return std::unexpected(stored.error());
  hide(changed);
  found->second = std::move(changed);
  return {};
}

Result<void> Registry::flush() {
  if (dirty_.empty()) return {};
  const auto done = store_.transact([&]() -> Result<void> {
    for (const std::uint64_t id : dirty_) {
      if (const auto stored = store_.put_node(nodes_.at(id)); !stored) return std::unexpected(stored.error());
    }
    return {};
  });
  if (done) dirty_.clear();
  return done;
}

const Node* Registry::find(std::uint64_t id) const {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : &found->second;
}

std::uint64_t Registry::lookup(const std::string& name_or_id) const {
  const auto named = by_name_.find(name_or_id);
  if (named != by_name_.end()) return named->second;
  std::uint64_t id = 0;
  const char* end = name_or_id.data() + name_or_id.size();
  const auto [parsed, error] = std::from_chars(name_or_id.data(), end, id);
  return error == std::errc() && parsed == end && nodes_.contains(id) ? id : 0;
}

std::vector<IpAddress> Registry::addresses(const Node& node) const {
  if (node.registration.role == Role::relay) return {};
  return {node.ipv4, pool_.ipv6(node.registration.node_key)};
}

std::string Registry::free_name(const std::string& wanted) const {
  std::string name = wanted;
  for (int suffix = 1; by_name_.contains(name); ++suffix) name = wanted + "-" + std::to_string(suffix);
  return name;
}

std::uint16_t Registry::free_relay_id() const {
  std::uint32_t id = relay_ids_.empty() ? 1 : *relay_ids_.rbegin() + 1u;
  if (id > control::kLastRelay) {
    for (id = 1; relay_ids_.contains(static_cast<std::uint16_t>(id)) && id <= control::kLastRelay;) ++id;
  }
  return id > control::kLastRelay ? 0 : static_cast<std::uint16_t>(id);
}

void Registry::put(Node node) {
  WEFT_ASSERT(node.id != 0);
  by_machine_[node.machine_key] = node.id;
  if (node.relay_id == 0) by_node_key_[node.registration.node_key] = node.id;
  by_name_[node.name] = node.id;
  if (node.relay_id != 0) relay_ids_.insert(node.relay_id);
  if (!node.expired) show(node);
  nodes_[node.id] = std::move(node);
}

void Registry::show(const Node& node) {
  const control::Registration& registration = node.registration;
  if (registration.role == Role::relay) {
    const control::RelayOffer& offer = *registration.relay;
    log_.put_relay({node.relay_id, node.name, offer.key, offer.stream_endpoints, offer.stun_endpoints, offer.tls});
    return;
  }
  log_.put_peer({.id = node.id,
                 .name = node.name,
                 .node_key = registration.node_key,
                 .addresses = addresses(node),
                 .home_relay = node.publication.home_relay,
                 .candidates = node.publication.candidates,
                 .facts = node.publication.facts,
                 .online = node.online,
                 .carries = node.publication.carries});
}

void Registry::hide(const Node& node) {
  if (node.registration.role == Role::relay) {
    log_.remove_relay(node.relay_id);
  } else {
    log_.remove_peer(node.id);
  }
}

}  // namespace weft::coordinator
