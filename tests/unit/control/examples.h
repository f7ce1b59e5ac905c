// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "mesh/control/message.h"

namespace weft::control {

template <typename Key>
Key test_key(std::uint8_t fill) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(fill);
  return Key(bytes);
}

inline Register test_register() {
  Register message;
  message.registration.node_key = test_key<crypto::PublicKey>(1);
  message.registration.name = "ludwig";
  message.registration.secret.emplace().fill(9);
  message.registration.role = Role::relay;
  message.registration.provenance = KeyProvenance::simulated;
  message.registration.relay = RelayOffer{test_key<crypto::VerifyKey>(2),
                                          {*Endpoint::parse("192.0.2.7:443"), *Endpoint::parse("[2001:db8::7]:443")},
                                          {*Endpoint::parse("192.0.2.7:3478")},
                                          true};
  message.epoch = 0xFEDCBA9876543210;
  message.revision = 70'000;
  return message;
}

inline PeerRecord test_peer(std::uint64_t id) {
  PeerRecord peer;
  peer.id = id;
  peer.name = "peer-" + std::to_string(id);
  peer.node_key = test_key<crypto::PublicKey>(static_cast<std::uint8_t>(id));
  peer.addresses = {IpAddress::v4(100, 64, static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)),
                    *IpAddress::parse("fd00::1")};
  peer.home_relay = 3;
  peer.candidates = {{0, *Endpoint::parse("10.0.0.1:51820")}, {1, *Endpoint::parse("[2001:db8::2]:1")}};
  peer.facts = {.mapping = "endpoint_independent",
                .filtering = "address_dependent",
                .nat_hops = 2,
                .layers = 1,
                .lifetime_s = 125,
                .hairpinning = "none",
                .pooling = "paired",
                .port_mapping = "verified",
                .allocations = 1,
                .searching = 1};
  peer.online = true;
  peer.carries = true;
  return peer;
}

inline RelayRecord test_relay(std::uint16_t id) {
  return {id,
          "relay",
          test_key<crypto::VerifyKey>(7),
          {*Endpoint::parse("192.0.2.9:443")},
          {*Endpoint::parse("192.0.2.9:3478")},
          false};
}

inline MapUpdate test_update() {
  MapUpdate update;
  update.epoch = 5;
  update.revision = 300;
  update.reset = true;
  update.complete = true;
  update.peers = {test_peer(4), test_peer(300)};
  update.removed_peers = {8, 9};
  update.relays = {test_relay(3)};
  update.removed_relays = {2};
  return update;
}

inline NetworkMap test_map() {
  NetworkMap map;
  map.epoch = 5;
  map.revision = 300;
  map.self_id = 1;
  map.self_name = "self";
  map.self_addresses = {IpAddress::v4(100, 64, 0, 1)};
  for (const std::uint64_t id : {4, 300}) map.peers[id] = test_peer(id);
  map.relays[3] = test_relay(3);
  return map;
}

/// One of each kind, every field set.
inline std::vector<Message> test_messages() {
  return {test_register(),
          Publish{test_peer(1).candidates, test_peer(1).facts, 3, true},
          Ping{7},
          Accepted{1, "self", test_map().self_addresses, 3, test_key<crypto::VerifyKey>(6), 1'700'000'000'000'000'000},
          test_update(),
          Admission{Bytes(105, 4)},
          Pong{7, 1'700'000'000'000'000'000},
          Refusal{ErrorCode::key_expired_or_used, "the setup key has been used"},
          Revocation{test_key<crypto::PublicKey>(7), 1'700'000'000},
          Signal{300, {0xD7, 1, 2}}};
}

}  // namespace weft::control
