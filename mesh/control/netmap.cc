// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/netmap.h"

#include "mesh/control/fields.h"

namespace weft::control {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxStoredPeers = 100'000;

struct StoredMap {
  NetworkMap head;  // its peers and relays are unused
  std::vector<PeerRecord> peers;
  std::vector<RelayRecord> relays;
};

template <typename V>
void describe(V& v, StoredMap& r) {
  v.field("epoch", r.head.epoch);
  v.field("revision", r.head.revision);
  v.field("self_id", r.head.self_id);
  v.field("self_name", r.head.self_name);
  v.list("self_addresses", r.head.self_addresses, kMaxAddresses);
  v.list("peers", r.peers, kMaxStoredPeers);
  v.list("relays", r.relays, kMaxRelays);
}

}  // namespace

Bytes encode(const NetworkMap& map) {
  StoredMap stored{map, {}, {}};
  for (const auto& [id, peer] : map.peers) stored.peers.push_back(peer);
  for (const auto& [id, relay] : map.relays) stored.relays.push_back(relay);
  cbor::Encoder out;
  write(out, stored);
  return Writer().u8(kVersion).bytes(out.take()).take();
}

std::expected<NetworkMap, ControlError> parse_map(ByteView bytes) {
  if (bytes.empty()) return std::unexpected(ControlError::malformed);
  if (bytes[0] != kVersion) return std::unexpected(ControlError::bad_version);
  StoredMap stored;
  const auto done = cbor::parse(bytes.subspan(1), {&stored, &type_of<StoredMap>(), 0});
  if (!done) return std::unexpected(done.error());
  NetworkMap map = std::move(stored.head);
  for (PeerRecord& peer : stored.peers) map.peers[peer.id] = std::move(peer);
  for (RelayRecord& relay : stored.relays) map.relays[relay.id] = std::move(relay);
  return map;
}

}  // namespace weft::control
