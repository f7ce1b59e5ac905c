// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay_server/relay_state.h"

#include "mesh/io/state_store.h"

namespace weft::relay_server {
namespace {

constexpr const char* kKeys = "relay_keys";
constexpr const char* kToken = "relay_token";
constexpr const char* kCoordinator = "relay_coordinator";
constexpr const char* kRevoked = "relay_revoked";
constexpr std::uint8_t kVersion = 1;

Bytes encode_keys(const RelayState& state, KeyProvenance provenance) {
  return Writer()
      .u8(kVersion)
      .u8(provenance == KeyProvenance::simulated ? 1 : 0)
      .bytes(state.identity.bytes())
      .bytes(state.machine_key.bytes())
      .take();
}

Result<void> parse_keys(ByteView bytes, KeyProvenance ours, RelayState& state) {
  Reader reader(bytes);
  const bool known = reader.u8() == kVersion;
  const bool simulated = reader.u8() != 0;
  const auto identity = crypto::SigningKey::from_bytes(reader.bytes(32));
  const auto machine = crypto::PrivateKey::from_bytes(reader.bytes(32));
  if (!known || !reader.complete() || !identity || !machine) {
    return fail(ErrorCode::corrupt,
                "the relay's state file relay_keys is damaged; remove it and enrol again with a new key");
  }
  if (simulated && ours != KeyProvenance::simulated) {
    return fail(ErrorCode::usage,
                "the relay's keys were made in a simulation and are not secret; use another state directory");
  }
  state.identity = *identity;
  state.machine_key = *machine;
  return {};
}

/// Version, then key and nanoseconds since 1970 of each.
Bytes encode_revocations(const Revocations& revoked) {
  Writer out;
  out.u8(kVersion);
  for (const auto& [node, until] : revoked) {
    out.bytes(node.bytes()).u64be(static_cast<std::uint64_t>(until.time_since_epoch().count()));
  }
  return out.take();
}

Result<Revocations> parse_revocations(ByteView bytes) {
  Revocations revoked;
  Reader reader(bytes);
  bool sound = reader.u8() == kVersion;
  while (sound && reader.remaining() > 0) {
    const auto node = crypto::PublicKey::from_bytes(reader.bytes(32));
    const WallTime until{Duration(static_cast<std::int64_t>(reader.u64be()))};
    sound = !reader.failed() && node;
    if (sound) revoked[*node] = until;
  }
  if (sound) return revoked;
  return fail(
      ErrorCode::corrupt,
      "the relay's state file relay_revoked is damaged; remove it, and nodes that were removed from the network "
      "in the last 24 hours may use the relay until their admission ends");
}

}  // namespace

Result<RelayState> load_state(io::FileSystem& files, Entropy& entropy) {
  io::StateStore store(files);
  RelayState state;
  const auto keys = store.get(kKeys);
  if (!keys) return std::unexpected(keys.error());
  if (*keys) {
    if (const auto read = parse_keys(**keys, entropy.provenance(), state); !read) return std::unexpected(read.error());
  } else {
    state.identity = crypto::SigningKey::generate(entropy);
    state.machine_key = crypto::PrivateKey::generate(entropy);
    const auto kept = store.put(kKeys, encode_keys(state, entropy.provenance()));
    if (!kept) return std::unexpected(kept.error());
  }
  const auto token = store.get(kToken);
  if (!token) return std::unexpected(token.error());
  if (*token) state.token = std::string(as_text(**token));
  const auto coordinator = store.get(kCoordinator);
  if (!coordinator) return std::unexpected(coordinator.error());
  if (*coordinator) state.coordinator = crypto::VerifyKey::from_bytes(**coordinator);
  const auto revoked = store.get(kRevoked);
  if (!revoked) return std::unexpected(revoked.error());
  if (*revoked) {
    auto parsed = parse_revocations(**revoked);
    if (!parsed) return std::unexpected(parsed.error());
    state.revoked = std::move(*parsed);
  }
  return state;
}

Result<void> store_token(io::FileSystem& files, const std::string& token) {
  return io::StateStore(files).put(kToken, as_bytes(token));
}

Result<void> store_coordinator(io::FileSystem& files, const crypto::VerifyKey& coordinator) {
  return io::StateStore(files).put(kCoordinator, coordinator.bytes());
}

Result<void> store_revocations(io::FileSystem& files, const Revocations& revoked) {
  return io::StateStore(files).put(kRevoked, encode_revocations(revoked));
}

}  // namespace weft::relay_server
